// MeshConfig out of the ConfigMap that Istio keeps it in.
import { parseDocument } from 'yaml'
import { checkSchema } from '../schema/check-schema.ts'
import type { LocatedFinding } from '../schema/schema.ts'
import { meshConfigSchema } from './schema.ts'
import type { MeshConfig } from './types.ts'

/** Name of the ConfigMap in the root namespace, and the key of the text in it. */
export const meshConfigMap = { name: 'istio', key: 'mesh' } as const

/** What a text says; the findings are relative to it. */
export function readMeshConfig(text: string): { readonly config: MeshConfig; readonly findings: LocatedFinding[] } {
  const document = parseDocument(text)
  const [fault] = document.errors
  if (fault !== undefined) {
    const message = `is not YAML: ${fault.message.split('\n')[0]}`
    return { config: {}, findings: [{ at: [], code: 'bad-format', message, mend: 'Correct the text.' }] }
  }
  const value: unknown = document.toJS() ?? {}
  const findings = checkSchema(meshConfigSchema, value, value)
  const broken = findings.some(({ severity = 'error' }) => severity === 'error')
  return { config: broken ? {} : (value as MeshConfig), findings }
}
