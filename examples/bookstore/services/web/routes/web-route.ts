// Every route of web first learns who asks.
import type { Call, Reply, Route } from '../../platform/http-service.ts'
import type { Sessions } from '../session.ts'
import { visitorOf, type Visitor } from '../visitor.ts'
import { seeOther } from './page-reply.ts'

export interface WebCall {
  readonly call: Call
  readonly visitor: Visitor
}

export type WebRoute = (
  method: Route['method'],
  path: string,
  handle: (call: WebCall) => Promise<Reply | undefined>,
) => Route

/** Makes routes whose handlers are given the visitor. */
export function makeWebRoute(sessions: Sessions): WebRoute {
  return (method, path, handle) => ({
    method,
    path,
    handle: (call) => handle({ call, visitor: visitorOf(call, sessions) }),
  })
}

/** Sends someone to log in, and back to `path` afterwards. */
export function loginFirst(path: string): Reply {
  return seeOther(`/login?next=${encodeURIComponent(path)}`)
}
