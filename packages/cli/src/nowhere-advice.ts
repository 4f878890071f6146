// What a person can do who asked for something that leads nowhere.
import { didYouMean } from '@weft/resources'
import type { Explanation } from '@weft/engine'
import { listenersOf } from './gateway-arrival.ts'
import type { NamedView } from './mesh-views.ts'

/** A sentence for an explanation that ends before any Service was found; undefined: it found one. */
export function nowhereAdvice({ steps, outcome, protocol, request }: Explanation, from: NamedView): string | undefined {
  if (steps.some((step) => step.decision === 'virtual-host' && step.chosen === 'block_all')) {
    return unknownHost(request.authority, from)
  }
  if (steps.length > 0 || outcome !== 'failed') return undefined
  if (from.kind === 'gateway') return `it listens at ${orNothing(listenersOf(from).map(({ port }) => `${port}`))}`
  if (protocol !== 'tcp') return undefined
  return `it takes connections for ${orNothing(connectionsOf(from))}; HTTP goes by GET http://host/ or CONNECT host:port`
}

/** The same name at another port, or a name that looks like it. */
function unknownHost(authority: string, from: NamedView): string {
  const [, host = authority, port = '80'] = /^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(authority) ?? []
  const known = (from.config.routeConfigs.get('outbound-http')?.virtualHosts ?? []).flatMap(({ name, domains }) =>
    domains.map((domain) => ({ domain: domain.replace(/:\d+$/, ''), port: /:(\d+)$/.exec(name)?.[1] ?? '80' })),
  )
  const ports = [...new Set(known.filter(({ domain }) => domain === host).map((one) => one.port))]
  if (ports.length > 0) return `${host} has no port ${port}; it has ${ports.join(', ')}`
  const names = known.map(({ domain }) => domain).filter((domain) => !domain.includes('*') && !/^[\d.]+$/.test(domain))
  const meant = didYouMean(host, names)
  const asked = meant === undefined ? '' : `. Did you mean ${meant}?`
  return `no Service and no VirtualService of the mesh names the host ${authority}${asked}`
}

/** Services that a sidecar has TCP listeners for. */
function connectionsOf({ config }: NamedView): readonly string[] {
  return [...config.listeners.values()]
    .filter(({ address, direction }) => address.kind === 'socket' && direction !== 'inbound')
    .flatMap(({ clusterNames }) => clusterNames)
    .flatMap((name) => {
      const [, port, host] = /^outbound\|(\d+)\|[^|]*\|(.+)$/.exec(name) ?? []
      return host === undefined ? [] : [`${host}:${port}`]
    })
    .sort()
}

function orNothing(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : [...new Set(names)].join(', ')
}
