// The status of our own policies: one entry for each object that they are attached to.
import { controllerName, type ServiceSpec, type TargetReference } from '@weft/resources'
import { attachableKinds, type AttachablePolicy, nearest, type PolicyTarget } from '../gateway-api/attached-policies.ts'
import type { Fault } from '../gateway-api/listeners.ts'
import type { ConfigPart, SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { Conditions } from './conditions.ts'

/** The statuses of all policies, by their keys. */
export function attachedStatuses({ objects }: ConfigPart, time: string): [string, object][] {
  return attachableKinds.flatMap((kind) => {
    const policies: readonly AttachablePolicy[] = objects[kind]
    return policies.map((policy): [string, object] => {
      const make = new Conditions(policy, { time })
      const ancestors = policy.spec.targetRefs.map((ref) => ({
        ancestorRef: { ...ref, namespace: policy.id.namespace },
        controllerName,
        conditions: [make.unless('Accepted', faultOf(policy, ref, objects))],
      }))
      return [policy.key, { ancestors }]
    })
  })
}

function faultOf(policy: AttachablePolicy, ref: TargetReference, objects: ConfigPart['objects']): Fault | undefined {
  const { kind, name, sectionName } = ref
  const target = targetsOf(kind, objects).find(
    ({ id }) => id.namespace === policy.id.namespace && id.name === name && id.kind === kind,
  )
  if (target === undefined) {
    return { reason: 'TargetNotFound', message: `there is no ${kind} ${policy.id.namespace}/${name}` }
  }
  if (sectionName !== undefined && !sectionsOf(target).includes(sectionName)) {
    return { reason: 'TargetNotFound', message: `${kind} ${name} has no part named ${sectionName}` }
  }
  const part: PolicyTarget = { id: target.id, sectionName }
  const [own] = attachableKinds.filter((one) => one === policy.id.kind)
  const holds = own === undefined ? undefined : nearest(own, objects[own], [part])
  if (holds === undefined || holds.key === policy.key) return undefined
  const message = `${holds.id.kind} ${holds.id.name} is attached to the same, and is older or first by name`
  return { reason: 'Conflicted', message }
}

function targetsOf(kind: string, objects: ConfigPart['objects']): readonly SnapshotObject[] {
  if (kind === 'Service' || kind === 'ServiceEntry') return objects[kind]
  if (kind === 'Gateway') return objects.GatewayAPIGateway
  return kind === 'HTTPRoute' || kind === 'GRPCRoute' ? objects[kind] : []
}

/** Names of ports, listeners or rules. */
function sectionsOf({ spec }: SnapshotObject): (string | undefined)[] {
  const { ports, listeners, rules } = spec as {
    readonly ports?: ServiceSpec['ports']
    readonly listeners?: readonly { readonly name: string }[]
    readonly rules?: readonly { readonly name?: string }[]
  }
  return [...(ports ?? []), ...(listeners ?? []), ...(rules ?? [])].map(({ name }) => name)
}
