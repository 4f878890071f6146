// The kind ConfigMap (v1).
import { defineKind } from '../../kind-definition.ts'
import { boolean, context, doc, mapOf, object, text } from '../../schema/schema.ts'

/** A ConfigMap as read. */
export interface ConfigMapSpec {
  readonly data: Readonly<Record<string, string>>
}

/** Kubernetes' ConfigMap. */
export const configMapKind = defineKind({
  kind: 'ConfigMap',
  versions: ['v1'],
  root: 'top',
  names: ['configmaps', 'cm'],
  description: 'Authorities (`ca.crt`) of gateways and backends.',
  pending: { effect: 'nothing reads it', proxies: 'all' },
  spec: object({
    data: doc('Texts by name.', mapOf(text(), 'file-key')),
    binaryData: context('Bytes by name, in base64.', mapOf(text('base64'), 'file-key')),
    immutable: context('Whether it may be changed.', boolean),
  }),
  withDefaults: (spec) => ({ data: (spec as Partial<ConfigMapSpec>).data ?? {} }),
})
