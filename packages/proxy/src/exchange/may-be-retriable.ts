import type { RetryPolicy } from '@weft/engine'
import { HeaderKind } from '../codec/header-kind.ts'
import type { MessageHead } from '../codec/message-head.ts'

/** False for what no policy repeats: most answers, and nothing is made to ask about them. */
export function mayBeRetriable({ retriableHeaders, retriableStatusCodes }: RetryPolicy, head: MessageHead): boolean {
  const { status } = head
  if (status >= 400 || retriableHeaders.length > 0 || retriableStatusCodes.has(status)) return true
  return head.has(HeaderKind.X_ENVOY) || head.has(HeaderKind.GRPC_STATUS)
}
