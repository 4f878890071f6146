// VirtualServices that claim the same host inside the mesh before the same eyes: one of them has no effect there.
import { describeObject } from '../format-problem.ts'
import { ofKind } from '../kinds.ts'
import type { MeshObject } from '../mesh-object.ts'
import { hostCovers, isVisible, resolveHost } from '../networking/host-names.ts'
import type { VirtualServiceSpec } from '../networking/virtual-service/types.ts'
import type { MeshIndex, ReferenceFault } from './mesh-index.ts'

type VirtualService = MeshObject<VirtualServiceSpec>

/** Host conflicts of one VirtualService with others. */
export function* checkMeshHosts(object: VirtualService, index: MeshIndex): Iterable<ReferenceFault> {
  if (!object.spec.gateways.includes('mesh')) return
  for (const [i, host] of object.spec.hosts.entries()) {
    const rival = ofKind(index.objects, 'VirtualService').find(
      (other) =>
        other !== object && seenTogether(object, other) && claims(other, resolveHost(host, object.id.namespace)),
    )
    if (rival === undefined) continue
    const message = `${host} is claimed by ${describeObject(rival.id)} too, before the same workloads`
    const mend = 'Write the routes of one host in one VirtualService, or narrow `exportTo`.'
    yield { severity: 'warning', code: 'host-conflict', field: `spec.hosts[${i}]`, message, mend }
  }
}

function claims({ spec, id }: VirtualService, host: string): boolean {
  if (!spec.gateways.includes('mesh')) return false
  return spec.hosts
    .map((name) => resolveHost(name, id.namespace))
    .some((name) => name === host || (name.startsWith('*') && host.startsWith('*') && overlap(name, host)))
}

function overlap(a: string, b: string): boolean {
  return hostCovers(a, b.replace('*', 'x')) || hostCovers(b, a.replace('*', 'x'))
}

/** Whether some namespace sees both: one that either names, or any other. */
function seenTogether(a: VirtualService, b: VirtualService): boolean {
  const named = [a.id.namespace, b.id.namespace, ...a.spec.exportTo, ...b.spec.exportTo]
  const anyOther = a.spec.exportTo.includes('*') && b.spec.exportTo.includes('*')
  return (
    anyOther ||
    named.some(
      (namespace) =>
        isVisible(a.spec.exportTo, a.id.namespace, namespace) && isVisible(b.spec.exportTo, b.id.namespace, namespace),
    )
  )
}
