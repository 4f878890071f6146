import type { ResponseFlag } from '../telemetry/exchange-record.ts'
import { type ErrorEntry, reasonPhrase } from './error-table.ts'

/** An answer the proxy gives by itself. */
export interface LocalReply {
  readonly status: number
  readonly details: string
  readonly body?: string
  readonly flag?: ResponseFlag | undefined
  /** Set: the answer of a gRPC call, whatever the request was. */
  readonly grpcStatus?: number | undefined
  /** Whole lines, each with its CRLF. */
  readonly headers?: string
  readonly close?: boolean
}

/** The answer to an error. `reason` is added to the body as Envoy adds transport failures. */
export function replyOf(error: ErrorEntry, reason?: string): LocalReply {
  return {
    status: error.status,
    details: error.details,
    flag: error.flag,
    body: reason === undefined ? error.body : `${error.body}, transport failure reason: ${reason}`,
    close: error.connection === 'close',
  }
}

/** How a reply is put on the wire. */
export interface ReplyForm {
  readonly date: string
  /** Undefined: no `server` header. */
  readonly server: string | undefined
  readonly isHead: boolean
  readonly isGrpc: boolean
  /** `connection` header line with its CRLF, or ''. */
  readonly connectionLine: string
}

/** gRPC's status for an HTTP status (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md). */
function grpcStatusOf(status: number): number {
  if (status === 400) return 13
  if (status === 401) return 16
  if (status === 403) return 7
  if (status === 404) return 12
  if (status === 429 || (status >= 502 && status <= 504)) return 14
  return 2
}

/** The whole answer as latin1 text. A gRPC client gets its status in the head of a 200 (trailers-only). */
export function replyText(reply: LocalReply, form: ReplyForm): string {
  const body = reply.body ?? ''
  const server = form.server === undefined ? '' : `server: ${form.server}\r\n`
  const common = `${reply.headers ?? ''}date: ${form.date}\r\n${server}${form.connectionLine}`
  if (form.isGrpc || reply.grpcStatus !== undefined) {
    const status = reply.grpcStatus ?? grpcStatusOf(reply.status)
    const message = body === '' ? '' : `grpc-message: ${encodeURIComponent(body).replaceAll('%20', ' ')}\r\n`
    const grpc = `content-type: application/grpc\r\ngrpc-status: ${status}\r\n${message}content-length: 0\r\n`
    return `HTTP/1.1 200 OK\r\n${grpc}${common}\r\n`
  }
  const line = `HTTP/1.1 ${reply.status} ${reasonPhrase(reply.status)}\r\n`
  if (reply.status === 204 || reply.status === 304) return `${line}${common}\r\n`
  const type = body === '' ? '' : 'content-type: text/plain\r\n'
  return `${line}content-length: ${body.length}\r\n${type}${common}\r\n${form.isHead ? '' : body}`
}
