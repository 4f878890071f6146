// The envelope every object has: apiVersion, kind, metadata, spec.
import { type FieldRoot, fieldsOfVersion, type KindDefinition } from '../kind-definition.ts'
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

const schemas = new WeakMap<Schema, Schema>()

/** The schema of a whole document of a kind, in one of its apiVersions. */
export function documentSchema(definition: KindDefinition, apiVersion: string): Schema {
  const { spec, root } = fieldsOfVersion(definition, apiVersion)
  let schema = schemas.get(spec)
  if (schema === undefined) {
    schema = envelope(spec, root)
    schemas.set(spec, schema)
  }
  return schema
}

function envelope(fields: Schema, root: FieldRoot): Schema {
  const head = { apiVersion: text(), kind: text(), metadata }
  if (root === 'spec') {
    return object({ ...head, spec: fields, status: anything }, { required: ['metadata'] })
  }
  return {
    ...fields,
    properties: { ...head, ...fields.properties },
    required: ['metadata', ...(fields.required ?? [])],
  }
}
