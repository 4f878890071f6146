// What a ServiceEntry needs so that it can be called.
import type { MeshObject } from '../mesh-object.ts'
import type { ServiceEntrySpec } from '../networking/service-entry/types.ts'
import type { ReferenceFault } from './mesh-index.ts'

/** Faults of one ServiceEntry. */
export function* checkServiceEntry({ spec }: MeshObject<ServiceEntrySpec>): Iterable<ReferenceFault> {
  if (spec.addresses.length > 0) return
  for (const [i, { protocol = 'TCP' }] of spec.ports.entries()) {
    if (protocol.toUpperCase() !== 'TCP') continue
    const message = 'speaks TCP, and without `addresses` a connection does not say which host it is for'
    const mend = 'Add `addresses`, or a protocol that names the host, such as HTTP or TLS.'
    yield { severity: 'warning', code: 'no-addresses', field: `spec.ports[${i}]`, message, mend }
  }
}
