// Differences between what the engine says and what a proxy did.
import type { Answer, SeenUpstream } from './answer.ts'
import type { Explained } from './engine-proxy.ts'
import type { WireAnswer } from './wire-arm.ts'

/** One field that differs. */
export interface Difference {
  readonly field: string
  readonly explained: unknown
  readonly seen: unknown
}

/** All differences; empty: they agree. */
export function differences(
  { answer, endpoints, mingled, hashed, kept }: Explained,
  wire: WireAnswer,
  method: string,
): readonly Difference[] {
  const seen = wire.answer
  const found: Difference[] = []
  const check = (field: string, explained: unknown, actual: unknown): void => {
    if (JSON.stringify(explained) !== JSON.stringify(actual)) found.push({ field, explained, seen: actual })
  }
  check('status', answer.status, seen.status)
  check('route', answer.route, seen.route)
  if (answer.upstream !== undefined || seen.upstream !== undefined) check('cluster', answer.cluster, seen.cluster)
  check('location', answer.location, seen.location)
  check('response headers', answer.headers, seen.headers)
  if (answer.body !== undefined && method !== 'HEAD') check('body', answer.body, seen.body)
  check('forwarded', answer.upstream !== undefined, seen.upstream !== undefined)
  if (answer.upstream !== undefined && seen.upstream !== undefined) {
    check('upstream method', answer.upstream.method, seen.upstream.method)
    check('upstream path', answer.upstream.path, seen.upstream.path)
    check('upstream authority', answer.upstream.authority, seen.upstream.authority)
    check('upstream headers', answer.upstream.headers, seen.upstream.headers)
    check('arrivals', arrivalsOf(answer.upstream), arrivalsOf(seen.upstream))
    if (mingled !== true) check('attempts', answer.upstream.attempts, seen.upstream.attempts)
    const possible = kept ?? hashed?.endpoints ?? endpoints
    if (!possible.includes(seen.upstream.endpoint)) check('endpoint', possible, seen.upstream.endpoint)
  }
  return found
}

/** Attempts and copies. */
export function arrivalsOf({ attempts, copies }: SeenUpstream): number {
  return attempts + copies
}

/** An answer in one line. */
export function answerText(answer: Answer): string {
  return JSON.stringify(answer)
}
