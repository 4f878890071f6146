import { type DatagramPort, type ServicePort, targetPortOf } from '@weft/resources'
import type { SnapshotInstance } from '../snapshot/mesh-snapshot.ts'

/** The port of an instance behind a port of a Service; undefined when it has none. What an EndpointSlice says goes before the Service's target. */
export function portOfInstance(
  port: ServicePort | DatagramPort,
  { value, elsewhere }: Pick<SnapshotInstance, 'value' | 'elsewhere'>,
): number | undefined {
  if (elsewhere?.targets !== undefined) return elsewhere.targets[`${port.protocol}/${port.name}`]
  if (elsewhere?.named === undefined || typeof port.targetPort === 'number') return targetPortOf(port, value.ports)
  return elsewhere.named[`${port.protocol}/${port.targetPort}`]
}
