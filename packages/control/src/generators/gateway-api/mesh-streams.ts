// Where TLSRoutes and TCPRoutes send the connections to a Service port: by the server name that is asked for, then by what is left.
// Once some route is for a port, what no route is for is closed: as requests that no HTTPRoute matches are not answered by the Service either.
import { type Origin, originOf } from '@weft/core'
import type { ServicePort } from '@weft/resources'
import { routesOnPort } from '../../gateway-api/mesh-routes.ts'
import type { TlsRoute } from '../../gateway-api/objects.ts'
import type { Loser } from '../generator.ts'
import { portKind, type Service, serviceHost } from '../hosts.ts'
import { type MeshRouteRefs, sidecarRefs } from './mesh-hosts.ts'
import { type StreamTargets, streamTargets } from './stream-targets.ts'

/** A rule for connections that ask for one of these names; without names, for all that speak TLS. */
export interface NamedStreams extends StreamTargets {
  readonly names: readonly string[]
}

/** The rules for the connections to a port. */
export interface MeshStreams {
  readonly named: readonly NamedStreams[]
  /** Of connections that no name is for; without targets they are closed. */
  readonly rest: StreamTargets
  readonly losers: readonly Loser[]
}

/** What routes say of a Service port; undefined when none does. */
export function meshStreams(refs: MeshRouteRefs, service: Service, number: number): MeshStreams | undefined {
  const port = service.spec.ports.find((one) => one.port === number)
  if (port === undefined || portKind(port) === 'http') return undefined
  const own = routesOnPort(refs.routes, service, port)
  const tls = own.filter((route): route is TlsRoute => route.id.kind === 'TLSRoute')
  const [tcp] = own.filter(({ id }) => id.kind === 'TCPRoute')
  const [first] = tls
  if (first === undefined && tcp === undefined) return undefined
  const { named, losers } = byName(tls, refs, service, port)
  const rest =
    tcp === undefined
      ? { targets: [], origin: originOf(first?.id ?? service.id, '') }
      : streamTargets(tcp, sidecarRefs(refs))
  return { named, rest, losers }
}

/** The oldest route has a name. */
function byName(
  routes: readonly TlsRoute[],
  refs: MeshRouteRefs,
  service: Service,
  { port }: ServicePort,
): Pick<MeshStreams, 'named' | 'losers'> {
  const taken = new Map<string, Origin>()
  const losers: Loser[] = []
  const named = routes.flatMap((route): NamedStreams[] => {
    const written = (route.spec.hostnames ?? []).map((name) => name.toLowerCase())
    const wanted = [...new Set(written.length === 0 ? [''] : written)]
    const free = wanted.filter((name) => !taken.has(name))
    for (const name of wanted) {
      const by = taken.get(name)
      if (by === undefined) continue
      const what = name === '' ? 'all server names are' : `${name} is`
      const detail = `${what} taken by an older route for ${serviceHost(service)}:${port}`
      losers.push({ origin: route.key, reason: 'host-conflict', by, detail })
    }
    for (const name of free) taken.set(name, route.key)
    if (free.length === 0) return []
    return [{ names: free.filter((name) => name !== ''), ...streamTargets(route, sidecarRefs(refs)) }]
  })
  return { named, losers }
}

/** How a chain finds the connections of a rule. */
export function matchOfNames(names: readonly string[]): { transportProtocol: string; serverNames?: string[] } {
  return { transportProtocol: 'tls', ...(names.length === 0 ? {} : { serverNames: [...names] }) }
}

/** A part of a chain's name. */
export function nameOfNames([first]: readonly string[]): string {
  return `tls-${first ?? 'any'}`
}

/** The internal listener behind which the connections to a port are told apart by name, and the cluster that leads to it. */
export function namesTunnel(service: Service, port: number): string {
  return `tunnel|${port}||${serviceHost(service)}`
}
