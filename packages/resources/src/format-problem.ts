// Problems as lines of text.
import type { ObjectId } from '@weft/core'
import type { Problem } from './mesh-object.ts'

/** Kinds whose objects are in no namespace. Analysis keeps them in `default`. */
const clusterKinds: ReadonlySet<string> = new Set([
  'Namespace',
  'GatewayClass',
  'IngressClass',
  'XMesh',
  'CustomResourceDefinition',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
])

/** `VirtualService bookstore/catalog`; without the namespace where the kind has none. */
export function describeObject({ kind, namespace, name }: ObjectId): string {
  return namespace === '' || clusterKinds.has(kind) ? `${kind} ${name}` : `${kind} ${namespace}/${name}`
}

/** `file:line:column: error: VirtualService bookstore/catalog: spec.http[0].timeout: "5" is not a duration. Add ... [bad-duration]`. */
export function formatProblem(problem: Problem): string {
  const { position, objectId, field } = problem
  const parts = [
    position === undefined ? undefined : `${position.file}:${position.line}:${position.column}`,
    problem.severity,
    objectId === undefined ? undefined : describeObject(objectId),
    field === '' ? undefined : field,
    `${problem.message}.`,
  ]
  return `${parts.filter((part) => part !== undefined).join(': ')} ${problem.mend} [${problem.code}]`
}
