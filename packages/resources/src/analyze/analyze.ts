// Reference checks over a whole mesh: what is named but not there.
import { isKind } from '../kinds.ts'
import type { MeshObject, Problem } from '../mesh-object.ts'
import { byPlace } from '../parse/parse-file.ts'
import { checkDestinationRule } from './destination-rules.ts'
import { MeshIndex, problemOf, type ReferenceFault } from './mesh-index.ts'
import { checkAuthorizationPolicy, checkPeerAuthentication } from './policies.ts'
import { checkMeshHosts } from './mesh-hosts.ts'
import { checkServiceEntry } from './service-entries.ts'
import { checkVirtualService } from './virtual-services.ts'
import { checkGateway, checkService } from './workload-references.ts'

/** Every dangling reference among valid objects, by place. Dangling references never refuse an object. */
export function analyze(objects: readonly MeshObject[]): Problem[] {
  const index = new MeshIndex(objects)
  return objects
    .flatMap((object) => [...referenceFaults(object, index)].map((fault) => problemOf(object, fault)))
    .sort(byPlace)
}

function referenceFaults(object: MeshObject, index: MeshIndex): Iterable<ReferenceFault> {
  if (isKind(object, 'Service')) return checkService(object, index)
  if (isKind(object, 'VirtualService')) return [...checkVirtualService(object, index), ...checkMeshHosts(object, index)]
  if (isKind(object, 'DestinationRule')) return checkDestinationRule(object, index)
  if (isKind(object, 'ServiceEntry')) return checkServiceEntry(object)
  if (isKind(object, 'Gateway')) return checkGateway(object, index)
  if (isKind(object, 'PeerAuthentication')) return checkPeerAuthentication(object, index)
  if (isKind(object, 'AuthorizationPolicy')) return checkAuthorizationPolicy(object, index)
  return []
}
