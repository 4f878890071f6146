import type { HttpConnectionManager } from '@weft/engine'
import { dropKind } from '../codec/head-edits.ts'
import { HeaderKind } from '../codec/header-kind.ts'
import type { MessageHead } from '../codec/message-head.ts'

/** True when the client is to be told to go on (RFC 9110 10.1.1); the expectation is met then, and not passed on. */
export function meetExpectation(head: MessageHead, { proxy100Continue }: HttpConnectionManager): boolean {
  if (proxy100Continue || head.protocol === 'HTTP/1.0') return false
  if (head.value('expect')?.toLowerCase() !== '100-continue') return false
  dropKind(head, HeaderKind.EXPECT)
  return true
}
