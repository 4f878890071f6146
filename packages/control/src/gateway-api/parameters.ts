// What GatewayClasses, meshes and Gateways name as their parameters: a ConfigMap as Istio reads it, about the Deployment and the Service that a cluster makes
// for a Gateway. On one machine nobody makes those, so it only has to be one.
import type { ObjectReference, SpecByKind } from '@weft/resources'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import type { Fault } from './listeners.ts'

type ConfigMap = SnapshotObject<SpecByKind['ConfigMap']>

/** Objects of a cluster that a ConfigMap of parameters may be about. */
const settled = ['deployment', 'horizontalPodAutoscaler', 'podDisruptionBudget', 'service', 'serviceAccount']

/** Why parameters cannot be taken, as the Gateway API says it: an unknown kind, a missing object, or one with something else in it. */
export function parametersFault(
  ref: ObjectReference | undefined,
  namespace: string | undefined,
  configMaps: readonly ConfigMap[],
): Fault | undefined {
  if (ref === undefined) return undefined
  const { group, kind, name } = ref
  const no = (message: string): Fault => ({ reason: 'InvalidParameters', message })
  if (group !== '' || kind !== 'ConfigMap') return no(`parameters of kind ${kind} are not known; there are ConfigMaps`)
  const home = ref.namespace ?? namespace
  if (home === undefined) return no(`ConfigMap ${name} is in a namespace, which parametersRef does not name`)
  const found = configMaps.find(({ id }) => id.namespace === home && id.name === name)
  if (found === undefined) return no(`there is no ConfigMap ${home}/${name}`)
  const odd = Object.keys(found.spec.data).find((key) => !settled.includes(key))
  return odd === undefined ? undefined : no(`ConfigMap ${home}/${name} has ${odd}, and there are ${settled.join(', ')}`)
}
