// "The authority leads to this virtual host" as a predicate, so that a counterfactual may choose another name of the same host.
import type { RouteConfig, VirtualHost } from '../model.ts'
import type { Predicate, ValueTest } from '../predicate.ts'
import type { Subject } from '../request-head.ts'

/** Holds for the authorities that the route configuration gives to the host; only for the present one when that is not known. */
export function inVirtualHost(
  { host, config }: { readonly host: VirtualHost; readonly config: RouteConfig | undefined },
  subject: Subject,
): Predicate {
  if (config === undefined) {
    return on('request.host', { is: 'exact', value: subject.head.authority(), ignoreCase: false })
  }
  const name = config.ignorePortInHostMatching ? 'request.host_name' : 'request.host'
  const others = config.virtualHosts.filter((one) => one !== host).flatMap(({ domains }) => domains)
  return { op: 'or', any: host.domains.map((domain) => ofDomain(name, domain, others)) }
}

type HostAttribute = 'request.host' | 'request.host_name'

/** A name falls to a wildcard unless a more specific domain of another host takes it. */
function ofDomain(name: HostAttribute, domain: string, others: readonly string[]): Predicate {
  const matches = inDomain(name, domain)
  if (!domain.includes('*')) return matches
  const taken = others.filter((other) => isMoreSpecific(other, domain)).map((other) => inDomain(name, other))
  return taken.length === 0 ? matches : { op: 'and', all: [matches, { op: 'not', not: { op: 'or', any: taken } }] }
}

/** Envoy's order of search: exact names, suffix wildcards, prefix wildcards, longer before shorter, then `*`. */
function isMoreSpecific(a: string, b: string): boolean {
  const rank = (domain: string): number =>
    !domain.includes('*') ? 3 : domain === '*' ? 0 : domain.startsWith('*') ? 2 : 1
  return rank(a) > rank(b) || (rank(a) === rank(b) && a.length > b.length)
}

/** What a wildcard stands for is never empty. */
function inDomain(name: HostAttribute, domain: string): Predicate {
  const test = domainTest(domain)
  const matches = on(name, test)
  if (test.is !== 'suffix' && test.is !== 'prefix') return matches
  return { op: 'and', all: [matches, { op: 'not', not: on(name, { ...test, is: 'exact' }) }] }
}

function domainTest(domain: string): ValueTest {
  const ignoreCase = true
  if (domain === '*') return { is: 'present' }
  if (domain.startsWith('*')) return { is: 'suffix', value: domain.slice(1), ignoreCase }
  if (domain.endsWith('*')) return { is: 'prefix', value: domain.slice(0, -1), ignoreCase }
  return { is: 'exact', value: domain, ignoreCase }
}

function on(name: HostAttribute, test: ValueTest): Predicate {
  return { op: 'test', attribute: { name }, test }
}
