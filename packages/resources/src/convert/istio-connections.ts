// The tcp and tls rules of a VirtualService as TCPRoutes and TLSRoutes.
import type { PathStep } from '../field-path.ts'
import type { MeshObject } from '../mesh-object.ts'
import type { VirtualServiceSpec } from '../networking/virtual-service/types.ts'
import { type ConversionNotes, type ConvertedObject, nameOf } from './conversion.ts'
import { convertDestination } from './istio-destinations.ts'
import { holdsAt, type Side } from './istio-parents.ts'
import type { MeshLookup } from './mesh-lookup.ts'

type VirtualService = MeshObject<VirtualServiceSpec>
type Leg = VirtualServiceSpec['tcp'][number]['route'][number]

interface Context {
  readonly service: VirtualService
  readonly sides: readonly Side[]
  readonly mesh: MeshLookup
  readonly notes: ConversionNotes
}

/** The routes of the tcp rules: connections are told apart by port. */
export function tcpRoutes(context: Context): ConvertedObject[] {
  const { service, sides, notes } = context
  const { spec, id } = service
  return spec.tcp.flatMap((rule, index) => {
    const at = ['spec', 'tcp', index]
    const matches = rule.match ?? []
    const asks = matches.findIndex((match) => !onlyHas(match, ['port', 'gateways']))
    if (asks !== -1) {
      const message = 'connections are told apart by port only; the rule is left out'
      notes.lost([...at, 'match', asks], message, 'Match by port.')
      return []
    }
    const parentRefs =
      matches.length === 0
        ? sides.flatMap(({ parents }) => parents)
        : matches.flatMap((match) => parentsAt(match, sides, id.namespace))
    const backendRefs = backendsOf(rule.route, at, context)
    if (backendRefs.length === 0 || parentRefs.length === 0) return []
    const several = spec.http.length + spec.tls.length > 0 || spec.tcp.length > 1
    return [
      {
        kind: 'TCPRoute' as const,
        namespace: id.namespace,
        name: several ? nameOf(id.name, 'tcp', index) : id.name,
        spec: { parentRefs, rules: [{ backendRefs }] },
        from: id,
        origins: [['spec.rules[0]', `spec.tcp[${index}]`]] as const,
      },
    ]
  })
}

/** The routes of the tls rules, one for each match: connections are told apart by server name and port. */
export function tlsRoutes(context: Context): ConvertedObject[] {
  const { service, sides, notes } = context
  const { spec, id } = service
  return spec.tls.flatMap((rule, index) => {
    const at = ['spec', 'tls', index]
    const backendRefs = backendsOf(rule.route, at, context)
    return rule.match.flatMap((match, nth): ConvertedObject[] => {
      if (!onlyHas(match, ['sniHosts', 'port', 'gateways']) || match.sniHosts.includes('*')) {
        const message = 'connections are told apart by server name and port only; the match is left out'
        notes.lost([...at, 'match', nth], message, 'Match by sniHosts and port.')
        return []
      }
      const parentRefs = parentsAt(match, sides, id.namespace)
      if (backendRefs.length === 0 || parentRefs.length === 0) return []
      return [
        {
          kind: 'TLSRoute' as const,
          namespace: id.namespace,
          name: nameOf(id.name, 'tls', index, ...(rule.match.length > 1 ? [nth] : [])),
          spec: { parentRefs, hostnames: match.sniHosts, rules: [{ backendRefs }] },
          from: id,
          origins: [
            ['spec.rules[0]', `spec.tls[${index}]`],
            ['spec.hostnames', `spec.tls[${index}].match[${nth}].sniHosts`],
          ] as const,
        },
      ]
    })
  })
}

/** Whether a match has no conditions but these. */
function onlyHas(match: object, fields: readonly string[]): boolean {
  return Object.keys(match).every((field) => fields.includes(field))
}

function parentsAt(
  { port, gateways }: { readonly port?: number; readonly gateways?: readonly string[] },
  sides: readonly Side[],
  namespace: string,
): object[] {
  return sides
    .filter((side) => holdsAt(gateways, side, namespace))
    .flatMap(({ parents }) => parents.map((parent) => ({ ...parent, ...(port === undefined ? {} : { port }) })))
}

function backendsOf(legs: readonly Leg[], at: readonly PathStep[], { service, mesh, notes }: Context): object[] {
  return legs.flatMap((leg, nth) => {
    const where = [...at, 'route', nth, 'destination']
    const backend = convertDestination(leg.destination, service.id.namespace, mesh, where, notes)
    return backend === undefined ? [] : [{ ...backend, weight: leg.weight }]
  })
}
