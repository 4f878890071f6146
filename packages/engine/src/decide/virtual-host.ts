// Which virtual host an authority belongs to: exact, then the longest suffix wildcard, then the longest prefix wildcard,
// then `*` (Envoy's RouteMatcher::findVirtualHost).
import { withoutPort } from '../match/authority.ts'
import type { RouteConfig, VirtualHost } from '../model.ts'
import type { Recorder } from '../prove/proof.ts'

/** Chooses the virtual host; the port of the authority counts unless the configuration ignores it. */
export function matchVirtualHost(config: RouteConfig, authority: string, recorder?: Recorder): VirtualHost | undefined {
  const name = nameOf(config, authority)
  const exact = config.domains.exact.get(name)
  if (exact !== undefined && recorder === undefined) return exact
  const found = findHost(config, name)
  recorder?.step({
    decision: 'virtual-host',
    chosen: found?.host.name,
    summary:
      found === undefined
        ? `no virtual host of ${config.name} serves "${authority}"`
        : `virtual host ${found.host.name} by domain "${found.domain}"`,
    origins: found?.host.origins ?? config.origins,
    losers: [],
  })
  return found?.host
}

interface Found {
  readonly host: VirtualHost
  readonly domain: string
}

function nameOf(config: RouteConfig, authority: string): string {
  return (config.ignorePortInHostMatching ? withoutPort(authority) : authority).toLowerCase()
}

function findHost({ domains }: RouteConfig, name: string): Found | undefined {
  const exact = domains.exact.get(name)
  if (exact !== undefined) return { host: exact, domain: name }
  for (const length of domains.suffix.lengths) {
    if (length >= name.length) continue
    const key = name.slice(name.length - length)
    const host = domains.suffix.hosts.get(key)
    if (host !== undefined) return { host, domain: `*${key}` }
  }
  for (const length of domains.prefix.lengths) {
    if (length >= name.length) continue
    const key = name.slice(0, length)
    const host = domains.prefix.hosts.get(key)
    if (host !== undefined) return { host, domain: `${key}*` }
  }
  return domains.any === undefined ? undefined : { host: domains.any, domain: '*' }
}
