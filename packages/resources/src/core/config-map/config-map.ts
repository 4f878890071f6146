// The kind ConfigMap (v1).
import { fieldPath } from '../../field-path.ts'
import { defineKind } from '../../kind-definition.ts'
import { meshConfigMap, readMeshConfig } from '../../mesh-config/read-mesh-config.ts'
import { boolean, context, doc, type Finding, mapOf, object, text } from '../../schema/schema.ts'

/** A ConfigMap as read. */
export interface ConfigMapSpec {
  readonly data: Readonly<Record<string, string>>
}

/** The settings of a mesh, wherever a ConfigMap has them. */
function* checkMeshConfig(data: Readonly<Record<string, string>>): Iterable<Finding> {
  const mesh = data[meshConfigMap.key]
  if (mesh === undefined) return
  for (const { at, ...finding } of readMeshConfig(mesh).findings) {
    const where = fieldPath(at)
    yield {
      ...finding,
      at: [meshConfigMap.key],
      message: where === '' ? finding.message : `${where}: ${finding.message}`,
    }
  }
}

/** Kubernetes' ConfigMap. */
export const configMapKind = defineKind({
  kind: 'ConfigMap',
  versions: ['v1'],
  root: 'top',
  names: ['configmaps', 'cm'],
  shownBy: 'control/golden/gateway-api/tls',
  description: 'Authorities (`ca.crt`) of gateways and backends.',
  spec: object({
    data: doc('Texts by name.', mapOf(text(), 'file-key', { check: checkMeshConfig })),
    binaryData: context('Bytes by name, in base64.', mapOf(text('base64'), 'file-key')),
    immutable: context('Whether it may be changed.', boolean),
  }),
  withDefaults: (spec) => ({ data: (spec as Partial<ConfigMapSpec>).data ?? {} }),
})
