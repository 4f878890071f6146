// SPIFFE ids: the names of workloads. Rules: SPIFFE-ID specification, sections 2.1 to 2.4 (as go-spiffe judges them).
import { err, ok, type Result } from '@weft/core'

/** A parsed id. `path` is '' or begins with a slash; `uri` is the whole text, the only form compared or sent. */
export interface SpiffeId {
  readonly trustDomain: string
  readonly path: string
  readonly uri: string
}

/** The trust domain of a mesh whose configuration names none (Istio's default too). */
export const DEFAULT_TRUST_DOMAIN = 'cluster.local'

const SCHEME = 'spiffe://'
// SPIFFE-ID specification 2.1 and 2.3: at most 255 bytes of trust domain and 2048 bytes in all.
const MAX_TRUST_DOMAIN_LENGTH = 255
const MAX_ID_LENGTH = 2048

/** Parses an id, e.g. `spiffe://cluster.local/ns/bookstore/sa/web`; the error says in words what is wrong. */
export function parseSpiffeId(text: string): Result<SpiffeId> {
  if (text === '') return err('empty')
  if (!text.startsWith(SCHEME)) return err('scheme missing or not spiffe')
  if (text.length > MAX_ID_LENGTH) return err(`longer than ${MAX_ID_LENGTH} bytes`)
  const slash = text.indexOf('/', SCHEME.length)
  const trustDomain = slash < 0 ? text.slice(SCHEME.length) : text.slice(SCHEME.length, slash)
  const path = slash < 0 ? '' : text.slice(slash)
  const problem = trustDomainProblem(trustDomain) ?? pathProblem(path)
  return problem === undefined ? ok({ trustDomain, path, uri: text }) : err(problem)
}

/** Parses a trust domain, given as a bare name or as any id inside it. */
export function parseTrustDomain(text: string): Result<string> {
  if (text.includes(':/')) {
    const id = parseSpiffeId(text)
    return id.ok ? ok(id.value.trustDomain) : id
  }
  const problem = trustDomainProblem(text)
  return problem === undefined ? ok(text) : err(problem)
}

/** What is wrong with a path (''or `/a/b`); undefined when nothing is. */
export function pathProblem(path: string): string | undefined {
  if (path === '') return undefined
  if (!path.startsWith('/')) return 'path must begin with a slash'
  const segments = path.slice(1).split('/')
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i] as string
    if (segment === '' && i === segments.length - 1) return 'path ends in a slash'
    const problem = segmentProblem(segment)
    if (problem !== undefined) return problem
  }
  return undefined
}

/** Whether the id belongs to the trust domain. */
export function isMemberOf(id: SpiffeId, trustDomain: string): boolean {
  return id.trustDomain === trustDomain
}

function segmentProblem(segment: string): string | undefined {
  if (segment === '') return 'path has an empty segment'
  if (segment === '.' || segment === '..') return 'path has a dot segment'
  if (!/^[a-zA-Z0-9._-]+$/.test(segment) || segment.includes('\n')) {
    return 'path segment may hold only letters, digits, dot, dash and underscore'
  }
  return undefined
}

function trustDomainProblem(trustDomain: string): string | undefined {
  if (trustDomain === '') return 'trust domain missing'
  if (!/^[a-z0-9._-]+$/.test(trustDomain) || trustDomain.includes('\n')) {
    return 'trust domain may hold only a-z, 0-9, dot, dash and underscore'
  }
  if (trustDomain.length > MAX_TRUST_DOMAIN_LENGTH)
    return `trust domain is longer than ${MAX_TRUST_DOMAIN_LENGTH} bytes`
  return undefined
}
