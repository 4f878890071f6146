// What of a request decides which endpoint of a hashing cluster it goes to (Envoy's HashPolicyImpl).
import { hexOf, type Hash64, xxHash64 } from '../hash/xx-hash64.ts'
import { namedHeader, queryParameter } from '../match/attribute.ts'
import type { HashPolicy } from '../model.ts'
import type { ConnectionFacts, RequestHead, Subject } from '../request-head.ts'
import { cookieValue, setCookie } from './cookies.ts'

/** The hash of a request. */
export interface RequestHash {
  /** Undefined: nothing of the request is hashed, the endpoint is drawn. */
  readonly hash: Hash64 | undefined
  /** Values of `set-cookie` for cookies that were made for it. */
  readonly cookies: readonly string[]
  /** What was hashed, in words. */
  readonly of: readonly string[]
}

/** Hashes what the policies name, in their order. */
export function requestHash(policies: readonly HashPolicy[], subject: Subject): RequestHash {
  let hash: Hash64 | undefined
  const cookies: string[] = []
  const of: string[] = []
  for (const policy of policies) {
    const values = valuesOf(policy, subject, cookies)
    if (values !== undefined) {
      hash = joined(
        hash,
        values.reduce<Hash64 | undefined>((seed, value) => xxHash64(value, seed), undefined),
      )
      of.push(`${policyText(policy)} ${JSON.stringify(values.join(','))}`)
    }
    if (policy.terminal && hash !== undefined) break
  }
  return { hash, cookies, of }
}

/** The hash of a connection of bytes: the client's address is all there is. */
export function connectionHash({ remoteAddress }: ConnectionFacts): Hash64 {
  return xxHash64(remoteAddress)
}

/** The older one turned by a bit, so that the same value twice does not come to nothing. */
function joined(before: Hash64 | undefined, next: Hash64 | undefined): Hash64 | undefined {
  if (before === undefined || next === undefined) return next ?? before
  const hi = ((before.hi << 1) | (before.lo >>> 31)) >>> 0
  const lo = ((before.lo << 1) | (before.hi >>> 31)) >>> 0
  return { hi: (hi ^ next.hi) >>> 0, lo: (lo ^ next.lo) >>> 0 }
}

function valuesOf(policy: HashPolicy, subject: Subject, cookies: string[]): readonly string[] | undefined {
  const { head, connection } = subject
  switch (policy.kind) {
    case 'header':
      return headerValues(policy, head)
    case 'query': {
      const value = queryParameter(head.query(), policy.name)
      return value === undefined ? undefined : [value]
    }
    case 'source-ip':
      return [subject.trustedAddress ?? connection.remoteAddress]
    case 'cookie': {
      const value = cookieValue(head, policy.name)
      if (value !== undefined) return [value]
      if (policy.made === undefined) return undefined
      const made = hexOf(xxHash64(endsOf(connection)))
      cookies.push(setCookie(policy.name, made, policy.made))
      return [made]
    }
  }
}

/** Lines in order of their values: the order in which they came says nothing. */
function headerValues(
  { name, rewrite }: Extract<HashPolicy, { kind: 'header' }>,
  head: RequestHead,
): readonly string[] | undefined {
  const values: string[] = []
  const first = namedHeader(head, name)
  for (let at = 0, value = first; value !== undefined; value = head.headerLine(name, ++at)) values.push(value)
  if (values.length === 0) return undefined
  const rewritten =
    rewrite === undefined ? values : values.map((value) => rewrite.regex.replaceAll(value, rewrite.substitution))
  return rewritten.length === 1 ? rewritten : rewritten.sort()
}

/** Requests of one connection that race for their first cookie get the same. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: ConnectionFacts): string {
  const text = (address: string, port: number): string =>
    address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  return text(remoteAddress, remotePort) + text(localAddress, localPort)
}

function policyText(policy: HashPolicy): string {
  if (policy.kind === 'source-ip') return 'client address'
  return `${policy.kind === 'query' ? 'query parameter' : policy.kind} ${policy.name}`
}
