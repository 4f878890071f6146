// The parts of an answer that `explain` does not tell: what a route writes, and what its application or client sees of it.
import { type ProofStep, replacesHost, type RequestHash, rewriteRequest, type Routed, type Subject } from '@weft/engine'
import { type Answer, pickHeaders } from './answer.ts'
import { type EditFacts, editedHeaders, type Line } from './edited-headers.ts'
import { type CorsLines, isDeniedFirst, withCors } from './explained-cors.ts'
import type { TestRequest } from './generate-request.ts'

/** How a request ends, by the engine. */
export interface Verdict {
  readonly flag?: string | undefined
  readonly status: number | 'closed'
  readonly grpcStatus?: number
  readonly outcome: 'forwarded' | 'local' | 'failed' | 'unknown'
  readonly route: string | undefined
  readonly cluster: string | undefined
  readonly location: string | undefined
  readonly steps: readonly ProofStep[]
  readonly endpoints: readonly string[]
  /** The one that the walk went on with. */
  readonly endpoint?: string | undefined
  /** The same, when the request's session asks for it. */
  readonly kept?: string | undefined
  /** What decides about it in a hashing cluster. */
  readonly hashed?: Pick<RequestHash, 'hash' | 'of'> | undefined
}

/** How a proxy's own answer to a gRPC call tells its status. */
export function grpcLineOf({ grpcStatus }: Verdict): Line[] {
  return grpcStatus === undefined ? [] : [['grpc-status', String(grpcStatus)]]
}

/** The request's pseudo headers, for substitutions. */
export function pseudoOf(subject: Subject): Record<string, string> {
  return { ':method': subject.head.method(), ':path': pathOf(subject), ':authority': subject.head.authority() }
}

function pathOf({ head }: Subject): string {
  const query = head.query()
  return query === undefined ? head.path() : `${head.path()}?${query}`
}

/** What Envoy adds when it rewrites. */
export function originals({ route, leg }: Routed, subject: Subject): Line[] {
  if (route.action.kind !== 'route') return []
  const path: Line[] = route.action.pathRewrite === undefined ? [] : [['x-envoy-original-path', pathOf(subject)]]
  const host = leg?.hostRewrite ?? route.action.hostRewrite
  const authority = subject.head.authority()
  return host === undefined || authority === '' || !replacesHost(host, subject.head)
    ? path
    : [...path, ['x-envoy-original-host', authority]]
}

/** Its header lines, names in lower case. */
export function linesOf(request: TestRequest): Line[] {
  return request.headers.map(([name, value]) => [name.toLowerCase(), value])
}

/** Its headers by name. */
export function headersOf(request: TestRequest): Record<string, string[]> {
  const headers: Record<string, string[]> = {}
  for (const [name, value] of linesOf(request)) headers[name] = [...(headers[name] ?? []), value]
  return headers
}

/** The request as it was to go on. */
function changedBefore(request: readonly Line[], routed: Routed, subject: Subject): EditFacts {
  const pseudo = pseudoOf(subject)
  const { path, authority } = rewriteRequest(routed.route, routed.leg, subject.head, '')
  return {
    request: editedHeaders(request, 'request', routed, { pseudo }),
    pseudo: { ...pseudo, ':path': path, ':authority': authority },
  }
}

/** What a proxy's own answer carries: a redirect or fixed answer its route's headers, unless a filter answered before it. */
export function localParts(
  verdict: Verdict,
  routed: Routed,
  subject: Subject,
  { lines: request, cors }: { readonly lines: readonly Line[]; readonly cors: CorsLines },
): Partial<Answer> {
  const { action } = routed.route
  const grpcLine = grpcLineOf(verdict)
  const asked = !isDeniedFirst(verdict.steps)
  if (asked && cors.whole) return { headers: pickHeaders(cors.lines) }
  const byFilter = verdict.flag === 'FI' || verdict.steps.some(({ summary }) => summary.startsWith('denied'))
  if (action.kind !== 'route' && byFilter) return { headers: pickHeaders(grpcLine) }
  // Without a healthy endpoint the request has been changed already.
  const pseudo = pseudoOf(subject)
  const now = verdict.flag === 'UH' ? changedBefore(request, routed, subject) : { request, pseudo }
  const edited = editedHeaders(grpcLine, 'response', routed, now)
  const headers = pickHeaders(asked ? withCors(edited, cors) : edited)
  // Envoy sends a body with 204 and 304, which have none (RFC 9110 sections 15.3.5 and 15.4.5).
  if (action.kind === 'direct') {
    const text = [204, 304].includes(action.status) ? undefined : Buffer.from(action.body).toString('latin1')
    const body = verdict.grpcStatus === undefined ? text : ''
    return { headers, body }
  }
  return { headers }
}
