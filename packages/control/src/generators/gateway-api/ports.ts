// What a data plane binds: the listeners of all Gateways it serves, by port. Where two Gateways want the same, the older one has it.
import { originOf, type Origin } from '@weft/core'
import { type GatewayModel, isProgrammed } from '../../gateway-api/gateway-model.ts'
import type { PlacedListener } from '../../gateway-api/listeners.ts'
import { byAge } from '../../gateway-api/precedence.ts'
import type { Loser } from '../generator.ts'
import type { TakenPorts } from './data-plane-refs.ts'

/** What a port speaks first. */
export type PortKind = 'http' | 'tls' | 'tcp' | 'udp'

/** A listener, served for its Gateway. */
export interface Served {
  readonly model: GatewayModel
  readonly listener: PlacedListener
}

/** A port and who is served there, in order. */
export interface ServedPort {
  readonly port: number
  readonly kind: PortKind
  readonly served: readonly Served[]
}

/** What a listener's protocol is on the wire, before anything else is known. */
function portKindOf({ spec: { protocol } }: PlacedListener): PortKind {
  if (protocol === 'HTTPS' || protocol === 'TLS') return 'tls'
  return protocol === 'UDP' ? 'udp' : protocol === 'TCP' ? 'tcp' : 'http'
}

/** The ports of Gateways, ascending; `taken` are those that Istio Gateways have on the same data plane. */
export function servedPorts(
  models: readonly GatewayModel[],
  taken: TakenPorts,
): { readonly ports: readonly ServedPort[]; readonly losers: readonly Loser[] } {
  const ports = new Map<string, { port: number; kind: PortKind; served: Served[] }>()
  const losers: Loser[] = []
  for (const model of [...models].sort((a, b) => byAge(a.gateway, b.gateway))) {
    for (const listener of model.listeners.filter((one) => isProgrammed(model, one))) {
      const { port } = listener.spec
      const kind = portKindOf(listener)
      const key = `${port}/${kind === 'udp' ? 'udp' : 'tcp'}`
      const found = ports.get(key)
      const istio = kind === 'udp' ? undefined : taken[String(port)]
      const rival = istio ?? (found === undefined ? undefined : rivalOf(listener, kind, found))
      if (rival !== undefined) {
        const detail = `port ${port} on this data plane serves another Gateway`
        losers.push({ origin: listener.origin, reason: 'port-conflict', by: rival, detail })
      } else if (found === undefined) ports.set(key, { port, kind, served: [{ model, listener }] })
      else found.served.push({ model, listener })
    }
  }
  return { ports: [...ports.values()].sort((a, b) => a.port - b.port || (a.kind < b.kind ? -1 : 1)), losers }
}

/** Who of those served keeps a listener out: of one Gateway all were compared before. */
function rivalOf(
  listener: PlacedListener,
  kind: PortKind,
  found: { readonly kind: PortKind; readonly served: readonly Served[] },
): Origin | undefined {
  const names = kind === 'http' || kind === 'tls'
  const rival = found.served.find(
    (other) => found.kind !== kind || !names || hostnameOf(other.listener) === hostnameOf(listener),
  )
  return rival === undefined ? undefined : originOf(rival.listener.owner.id, '')
}

function hostnameOf({ spec }: PlacedListener): string {
  return (spec.hostname ?? '').toLowerCase()
}
