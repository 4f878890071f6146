// Where the rules of a VirtualService hold (at each of its gateways, inside the mesh), as parents of routes.
import type { MeshObject } from '../mesh-object.ts'
import { resolveGateway, resolveHost } from '../networking/host-names.ts'
import type { VirtualServiceSpec } from '../networking/virtual-service/types.ts'
import type { ConversionNotes } from './conversion.ts'
import { serviceOfHost } from './istio-destinations.ts'

type VirtualService = MeshObject<VirtualServiceSpec>

/** A gateway or the mesh, with its objects as parents. */
export interface Side {
  /** `namespace/name`, or `mesh`. */
  readonly gateway: string
  /** What the names of routes there end with. */
  readonly name: string
  readonly parents: readonly object[]
}

/** The gateways as written, then the mesh; sides without parents are left out, and told of. */
export function sidesOf(service: VirtualService, notes: ConversionNotes): Side[] {
  const { spec, id } = service
  const gateways = spec.gateways
    .filter((gateway) => gateway !== 'mesh')
    .map((written): Side => {
      const gateway = resolveGateway(written, id.namespace)
      const [namespace = '', name = ''] = gateway.split('/')
      return { gateway, name, parents: [{ name, ...(namespace === id.namespace ? {} : { namespace }) }] }
    })
  const parents = spec.gateways.includes('mesh') ? meshParents(service, notes) : []
  return parents.length === 0 ? gateways : [...gateways, { gateway: 'mesh', name: 'mesh', parents }]
}

/** Whether a condition with these gateways is for one of them; without any it is for all. */
export function holdsAt(gateways: readonly string[] | undefined, side: Side, namespace: string): boolean {
  return (
    gateways === undefined ||
    gateways.length === 0 ||
    gateways.some((name) => resolveGateway(name, namespace) === side.gateway)
  )
}

/** The hosts as names of routes at gateways; none: all names. */
export function hostnamesOf({ spec, id }: VirtualService): string[] {
  if (spec.hosts.includes('*')) return []
  return [...new Set(spec.hosts.map((host) => resolveHost(host, id.namespace)))]
}

function meshParents({ spec, id }: VirtualService, notes: ConversionNotes): object[] {
  return spec.hosts.flatMap((host, index) => {
    const service = serviceOfHost(host, id.namespace)
    const at = ['spec', 'hosts', index]
    if (service === undefined) {
      const message = `${host} is no Service, and routes inside the mesh belong to Services`
      notes.lost(at, message, 'Add a Service, or route it at a Gateway.')
      return []
    }
    const { name, namespace } = service
    if (namespace === id.namespace) return [{ group: '', kind: 'Service', name }]
    const message = `a route of another namespace than its Service holds for the callers of namespace ${id.namespace} alone`
    notes.lost(at, message, `Write the route in namespace ${namespace}, if it is for all callers.`)
    return [{ group: '', kind: 'Service', name, namespace }]
  })
}
