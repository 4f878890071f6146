// Schemas in the forms that others read: JSON Schema for editors, and CustomResourceDefinitions for Kubernetes.
import { apiVersionsOf } from '../definitions.ts'
import { fieldsOfVersion, type KindDefinition } from '../kind-definition.ts'
import { groupOfKind, writtenKind } from '../kinds.ts'
import { formatPattern } from '../schema/formats.ts'
import type { Schema } from '../schema/schema.ts'

type Json = Readonly<Record<string, unknown>>

/** Keywords that say the same in all forms. */
const common = [
  'type',
  'required',
  'enum',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'default',
] as const

/** The JSON Schema (draft 2020-12) of a kind's documents, for completion in editors. */
export function jsonSchemaOf(definition: KindDefinition): Json {
  const metadata = {
    type: 'object',
    required: ['name'],
    properties: {
      name: { type: 'string', description: 'Name of the object.' },
      ...(definition.scope === 'cluster'
        ? {}
        : { namespace: { type: 'string', description: 'Namespace; `default` unless written.' } }),
      labels: { type: 'object', additionalProperties: { type: 'string' }, description: 'Labels of the object.' },
      annotations: { type: 'object', additionalProperties: { type: 'string' }, description: 'Notes on the object.' },
    },
  }
  const { spec, root } = fieldsOfVersion(definition, apiVersionsOf(definition)[0] ?? '')
  const fields = nodeOf(spec, 'json')
  const below = root === 'spec' ? { spec: fields } : (fields['properties'] as Json)
  const required = root === 'spec' ? (spec.required === undefined ? [] : ['spec']) : (spec.required ?? [])
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: writtenKind(definition.kind),
    ...(definition.description === undefined ? {} : { description: definition.description }),
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', ...required],
    properties: {
      apiVersion: { enum: apiVersionsOf(definition), description: 'Version of the API.' },
      kind: { const: writtenKind(definition.kind), description: 'Kind of the object.' },
      metadata,
      ...below,
    },
  }
}

/** The CustomResourceDefinition of one of our own kinds. */
export function crdOf(definition: KindDefinition): Json {
  const kind = writtenKind(definition.kind)
  const [plural = `${kind.toLowerCase()}s`, ...shortNames] = definition.names ?? []
  const group = groupOfKind[definition.kind]
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: definition.scope === 'cluster' ? 'Cluster' : 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames },
      versions: definition.versions.map((name, index) => ({
        name,
        served: true,
        storage: index === 0,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            ...(definition.description === undefined ? {} : { description: definition.description }),
            required: ['spec'],
            properties: {
              spec: nodeOf(definition.spec, 'crd'),
              status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            },
          },
        },
      })),
    },
  }
}

type Form = 'json' | 'crd'

function nodeOf(schema: Schema, form: Form): Json {
  const keywords = Object.fromEntries(
    common.flatMap((name) => (schema[name] === undefined ? [] : [[name, schema[name]]])),
  )
  const pattern = schema.format === undefined ? undefined : formatPattern(schema.format)
  const properties = Object.entries(schema.properties ?? {}).filter(([, field]) => field['x-refused'] === undefined)
  return {
    ...(schema.description === undefined ? {} : { description: schema.description }),
    ...keywords,
    ...(pattern === undefined ? {} : { pattern }),
    ...(schema.properties === undefined
      ? {}
      : { properties: Object.fromEntries(properties.map(([name, field]) => [name, nodeOf(field, form)])) }),
    ...(schema.items === undefined ? {} : { items: nodeOf(schema.items, form) }),
    ...membersOf(schema, form),
    ...(form === 'crd' ? structural(schema) : {}),
  }
}

/** A CRD may not say that there are no other fields: the API server sees to that itself. */
function membersOf({ additionalProperties, properties }: Schema, form: Form): Json {
  if (additionalProperties === undefined || (additionalProperties === false && form === 'crd')) return {}
  if (additionalProperties === false) return { additionalProperties: false }
  if (form === 'crd' && properties !== undefined) return { 'x-kubernetes-preserve-unknown-fields': true }
  return { additionalProperties: nodeOf(additionalProperties, form) }
}

/** What a structural schema of Kubernetes wants to be said otherwise. */
function structural({ type }: Schema): Json {
  if (type === undefined) return { 'x-kubernetes-preserve-unknown-fields': true }
  if (typeof type === 'string') return {}
  return { type: undefined, 'x-kubernetes-int-or-string': true }
}
