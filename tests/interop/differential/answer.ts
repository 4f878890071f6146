// What a proxy did with a request, in a form that three very different proxies can be compared by.
import { writtenHeaders } from './vocabulary.ts'

/** What reached the application. */
export interface SeenUpstream {
  /** `address:port` of the endpoint. */
  readonly endpoint: string
  readonly method: string
  readonly path: string
  readonly authority: string
  /** Of the compared headers; several lines are joined with `,`. */
  readonly headers: Readonly<Record<string, string>>
  /** How often the request came: more than once when it was repeated. */
  readonly attempts: number
  /** How many copies of it came to other endpoints. */
  readonly copies: number
}

/** One proxy's answer to one request. */
export interface Answer {
  /** `closed`: the connection ended without an answer. */
  readonly status: number | 'closed'
  readonly route: string | undefined
  /** Of forwarded requests only. */
  readonly cluster: string | undefined
  readonly location: string | undefined
  /** The compared ones of the response. */
  readonly headers: Readonly<Record<string, string>>
  /** Of answers without an upstream; undefined: not known. */
  readonly body: string | undefined
  readonly upstream: SeenUpstream | undefined
}

/** Header names that are compared on both sides: those that operations write or rules look at. */
const comparedHeaders = new Set([
  ...writtenHeaders,
  'x-flavor',
  'x-mixed',
  'x-envoy-original-path',
  'x-envoy-original-host',
  'grpc-status',
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-expose-headers',
  'access-control-max-age',
])

/** Compares these, too: what a configuration names that was not generated. Lower-case. */
export function compareHeaders(names: Iterable<string>): void {
  for (const name of names) comparedHeaders.add(name)
}

/** The compared headers of a list of lines. */
export function pickHeaders(lines: readonly (readonly [string, string])[]): Record<string, string> {
  const picked: Record<string, string> = {}
  for (const [written, value] of lines) {
    const name = written.toLowerCase()
    if (!comparedHeaders.has(name)) continue
    const before = picked[name]
    picked[name] = before === undefined ? value : `${before},${value}`
  }
  return Object.fromEntries(Object.entries(picked).sort(([a], [b]) => (a < b ? -1 : 1)))
}
