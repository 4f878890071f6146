// What a policy of Istio's is attached to by name: `targetRef` and `targetRefs`.
import { doc, type Finding, list, object, type Schema, text, word } from '../schema/schema.ts'

/** A target in the own namespace; a GatewayClass named in the root namespace is that of the whole mesh. A Service stands for the workloads behind it. */
export interface PolicyReference {
  readonly group?: string
  readonly kind: 'Gateway' | 'GatewayClass' | 'Service'
  readonly name: string
}

/** What a policy says of where it holds. */
export interface Selection {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> }
  readonly targetRef?: PolicyReference
  readonly targetRefs?: readonly PolicyReference[]
}

/** The targets that a policy names; none when it selects by labels or holds for all. */
export function targetsNamedBy({ targetRef, targetRefs }: Selection): readonly PolicyReference[] {
  return targetRef === undefined ? (targetRefs ?? []) : [targetRef]
}

/** The part of a spec that says where it holds. */
export function selectionOf({ selector, targetRef, targetRefs }: Selection): Selection {
  return {
    ...(selector === undefined ? {} : { selector: { matchLabels: selector.matchLabels ?? {} } }),
    ...(targetRef === undefined ? {} : { targetRef }),
    ...(targetRefs === undefined ? {} : { targetRefs }),
  }
}

const group = 'gateway.networking.k8s.io'
const noWaypoints =
  'There are no waypoints, and no proxy stands before what is outside; select callers with `selector`.'

const target: Schema = object(
  {
    group: doc(`API group of the target: ${group}; "" is that of Service.`, text('api-group')),
    kind: doc(
      'Gateway of the own namespace, GatewayClass (of the whole mesh, in the root namespace), or Service: the workloads behind it.',
      word(['Gateway', 'GatewayClass', 'Service'], { ServiceEntry: noWaypoints }),
    ),
    name: doc('Name of the target.', text('short-text')),
    namespace: doc('Must stay empty: targets are in the own namespace.', { ...text(), 'x-check': checkNamespace }),
  },
  { required: ['kind', 'name'], check: checkGroup },
)

function* checkNamespace(namespace: string): Iterable<Finding> {
  if (namespace === '') return
  const message = 'names another namespace, which is not allowed'
  yield { code: 'unknown-value', message, mend: 'Remove it; write the object in the namespace of its target.' }
}

/** Istio's own Gateway has the same name and no policies. */
function* checkGroup(reference: { readonly group?: string; readonly kind?: string }): Iterable<Finding> {
  if (reference.kind === 'Service' && !['', 'core'].includes(reference.group ?? '')) {
    const message = `is ${JSON.stringify(reference.group)}, which has no Services`
    yield { at: ['group'], code: 'unsupported-value', message, mend: 'Write group: "".' }
  }
  if (reference.group === group || (reference.kind !== 'Gateway' && reference.kind !== 'GatewayClass')) return
  const at = reference.group === undefined ? [] : ['group']
  const written = reference.group === undefined ? 'has no `group`' : `is ${JSON.stringify(reference.group)}`
  const message = `${written}, and only a ${reference.kind} of ${group} can be a target`
  const mend = `Write group: ${group}; workloads of other gateways are chosen with \`selector\`.`
  yield { at, code: 'unsupported-value', message, mend }
}

/** Fields of a kind that is attached by name. */
export const targetFields: Readonly<Record<'targetRef' | 'targetRefs', Schema>> = {
  targetRef: doc('The Gateway, GatewayClass or Service it applies to.', target),
  targetRefs: doc('The Gateways, GatewayClasses or Services it applies to.', list(target, { max: 16 })),
}
