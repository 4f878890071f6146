// The envelope every object has: apiVersion, kind, metadata, spec.
import type { KindDefinition } from '../kind-definition.ts'
import { mapOf, object, type Schema, text } from '../schema/schema.ts'

const anything: Schema = {}

/** Kubernetes' own bookkeeping is accepted and ignored, so that `kubectl get -o yaml` output can be used as it is. */
const bookkeeping = [
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'finalizers',
  'generateName',
  'generation',
  'managedFields',
  'ownerReferences',
  'resourceVersion',
  'selfLink',
  'uid',
]

const metadata = object(
  {
    name: text('dns-name'),
    namespace: text('dns-label'),
    labels: mapOf(text('label-value'), 'label-key'),
    annotations: mapOf(text(), 'label-key'),
    ...Object.fromEntries(bookkeeping.map((field) => [field, anything])),
  },
  { required: ['name'] },
)

const schemas = new Map<string, Schema>()

/** The schema of a whole document of a kind. */
export function documentSchema(definition: KindDefinition): Schema {
  let schema = schemas.get(definition.kind)
  if (schema === undefined) {
    schema = object(
      { apiVersion: text(), kind: text(), metadata, spec: definition.spec, status: anything },
      { required: ['metadata'] },
    )
    schemas.set(definition.kind, schema)
  }
  return schema
}
