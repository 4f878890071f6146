import { grpcStatusOf } from '@weft/engine'
import { FieldsHead } from '../codec/fields-head.ts'
import { HeaderKind } from '../codec/header-kind.ts'
import type { ResponseFlag } from '../telemetry/exchange-record.ts'
import type { ErrorEntry } from './error-table.ts'

/** An answer the proxy gives by itself. */
export interface LocalReply {
  readonly status: number
  readonly details: string
  readonly body?: string
  readonly flag?: ResponseFlag | undefined
  /** What a gRPC call is told; absent: what follows from the status. */
  readonly grpcStatus?: number | undefined
  /** Further headers: lower-case name and value in turn. */
  readonly headers?: readonly string[]
  readonly close?: boolean
  /** Set: whoever gives it says all of it; no rule of the route adds to it. */
  readonly asIs?: boolean
}

function detailsOf({ details, flag }: ErrorEntry, reason: string): string {
  if (flag === 'DF') return withReason(details, reason).replace('{|', '{')
  return flag === 'UF' ? withReason(details, reason) : details
}

/** Inside the braces, without white space: log lines are split at it. */
function withReason(details: string, reason: string): string {
  return `${details.slice(0, -1)}|${reason.trim().replaceAll(/\s+/g, '_')}}`
}

const overloaded = { headers: ['x-envoy-overloaded', 'true'] }

/** The answer to an error. `reason` goes to the log, never to a client: it tells of the network behind. */
export function replyOf(error: ErrorEntry, reason?: string, envoyHeaders = false): LocalReply {
  return {
    ...(envoyHeaders && error.flag === 'UO' ? overloaded : undefined),
    status: error.status,
    details: reason === undefined ? error.details : detailsOf(error, reason),
    flag: error.flag,
    body: error.body,
    close: error.connection === 'close',
  }
}

/** As gRPC wants a message in a header: printable ASCII as it is, other bytes and the percent sign percent-encoded. */
function grpcMessage(text: string): string {
  return text.replace(/[^ -$&-~]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

/** How a reply is put on the wire. */
export interface ReplyForm {
  readonly date: string
  /** Undefined: no `server` header. */
  readonly server: string | undefined
  readonly isHead: boolean
  readonly isGrpc: boolean
  /** Set: a gRPC client that looks at the status of HTTP too. */
  readonly keepsStatus?: boolean
}

/** The answer as it goes out. A gRPC client gets its status in the head of a 200, and no body (trailers-only). */
export function replyMessage(reply: LocalReply, form: ReplyForm): { readonly head: FieldsHead; readonly body: string } {
  const head = new FieldsHead('HTTP/1.1')
  let body = reply.body ?? ''
  const grpcStatus = form.isGrpc ? (reply.grpcStatus ?? grpcStatusOf(reply.status)) : undefined
  if (grpcStatus !== undefined) {
    head.status = form.keepsStatus === true ? reply.status : 200
    head.push('content-type', 'application/grpc', HeaderKind.CONTENT_TYPE)
    head.push('grpc-status', String(grpcStatus), HeaderKind.GRPC_STATUS)
    if (body !== '') head.push('grpc-message', grpcMessage(body), HeaderKind.OTHER)
    body = ''
  } else {
    head.status = reply.status
    if (reply.status === 204 || reply.status === 304) body = ''
    // That there is none is for the codec to say: HTTP/2 need not.
    if (body !== '') {
      head.push('content-length', String(body.length), HeaderKind.CONTENT_LENGTH)
      head.push('content-type', 'text/plain', HeaderKind.CONTENT_TYPE)
    }
  }
  const more = reply.headers ?? []
  for (let at = 0; at < more.length; at += 2) head.push(more[at] as string, more[at + 1] as string)
  head.push('date', form.date, HeaderKind.DATE)
  if (form.server !== undefined) head.push('server', form.server, HeaderKind.SERVER)
  return { head, body: form.isHead ? '' : body }
}

/** A head that is nothing but a status. */
export function bareHead(status: number): FieldsHead {
  const head = new FieldsHead('HTTP/1.1')
  head.status = status
  return head
}
