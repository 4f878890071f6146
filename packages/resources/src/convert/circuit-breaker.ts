// A CircuitBreaker as DestinationRules, one per Service: so it has its effect.
import { ofKind } from '../kinds.ts'
import { serviceFqdn } from '../networking/host-names.ts'
import type { CircuitBreakerSpec } from '../weft/circuit-breaker/types.ts'
import { type Conversion, type ConvertedObject, ConversionNotes, nameOf, type NotExpressed } from './conversion.ts'
import type { MeshLookup } from './mesh-lookup.ts'

/** Derives DestinationRules from the CircuitBreakers of a mesh. */
export function deriveCircuitBreakers(mesh: MeshLookup): Conversion {
  const notExpressed: NotExpressed[] = []
  const objects = ofKind(mesh.objects, 'CircuitBreaker').flatMap((breaker) => {
    const { namespace, name } = breaker.id
    const notes = new ConversionNotes(breaker, notExpressed)
    return breaker.spec.targetRefs.flatMap((target, index): ConvertedObject[] => {
      if (mesh.find('Service', namespace, target.name) === undefined) {
        const at = ['spec', 'targetRefs', index, 'name']
        notes.lost(at, `there is no Service ${target.name}`, 'Add the Service, or correct the name.')
        return []
      }
      const host = serviceFqdn({ name: target.name, namespace })
      const spec = { host, trafficPolicy: trafficPolicy(breaker.spec) }
      return [
        { kind: 'DestinationRule', namespace, name: nameOf(name, target.name), spec, from: breaker.id, origins: [] },
      ]
    })
  })
  return { objects, notExpressed }
}

function trafficPolicy({
  maxConnections,
  maxPendingRequests,
  maxRequests,
  maxRetries,
  ejection,
}: CircuitBreakerSpec): object {
  const http = written({ http1MaxPendingRequests: maxPendingRequests, http2MaxRequests: maxRequests, maxRetries })
  const tcp = written({ maxConnections })
  const connectionPool = written({ tcp, http })
  const outlierDetection =
    ejection &&
    written({
      consecutive5xxErrors: ejection.consecutiveErrors ?? 5,
      interval: ejection.interval,
      baseEjectionTime: ejection.baseTime,
      maxEjectionPercent: ejection.maxPercent,
    })
  return written({ connectionPool, outlierDetection }) ?? {}
}

/** Without what is undefined; undefined when nothing is left. */
function written(fields: Readonly<Record<string, unknown>>): object | undefined {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined)
  return kept.length === 0 ? undefined : Object.fromEntries(kept)
}
