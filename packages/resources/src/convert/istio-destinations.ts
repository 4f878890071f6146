// Destinations of Istio as backends of the Gateway API; a subset becomes a Service of its own.
import type { PathStep } from '../field-path.ts'
import { clusterDomain, resolveHost } from '../networking/host-names.ts'
import type { Destination } from '../networking/virtual-service/types.ts'
import { type ConversionNotes, nameOf } from './conversion.ts'
import type { MeshLookup } from './mesh-lookup.ts'

/** A Service by name and namespace; undefined for hosts that are none. */
export function serviceOfHost(host: string, namespace: string): { name: string; namespace: string } | undefined {
  const full = resolveHost(host, namespace)
  const [name, own, svc, ...domain] = full.split('.')
  if (name === undefined || own === undefined || svc !== 'svc' || domain.join('.') !== clusterDomain) return undefined
  return { name, namespace: own }
}

/** Name of the Service that stands for a subset. */
export function subsetService(service: string, subset: string): string {
  return nameOf(service, subset)
}

/** A backend, or undefined where the destination cannot be said. */
export function convertDestination(
  { host, subset, port }: Destination,
  namespace: string,
  mesh: MeshLookup,
  at: readonly PathStep[],
  notes: ConversionNotes,
): object | undefined {
  const service = serviceOfHost(host, namespace)
  if (service === undefined) {
    notes.lost([...at, 'host'], `${host} is no Service`, 'Write an XBackend for it, and refer to that.')
    return undefined
  }
  const known = mesh.service(service)
  const number = port?.number ?? (known?.spec.ports.length === 1 ? known.spec.ports[0]?.port : undefined)
  if (number === undefined) {
    notes.lost([...at, 'port'], `which port of ${host} is meant is not known here`, 'Write `port`, or add the Service.')
    return undefined
  }
  return {
    name: subset === undefined ? service.name : subsetService(service.name, subset),
    ...(service.namespace === namespace ? {} : { namespace: service.namespace }),
    port: number,
  }
}
