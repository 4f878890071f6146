// EnvoyFilters for BOOTSTRAP: what an Envoy is told at its start is written by whoever starts it, so these patches are asked for by then.
import { type JsonObject, toJson } from '@bufbuild/protobuf'
import { type Bootstrap, BootstrapSchema } from '@weft/xds/es/envoy/config/bootstrap/v3/bootstrap'
import { versionOf } from '../generators/encode.ts'
import type { GeneratorProblem } from '../generators/generator.ts'
import type { ListRule } from './merge-message.ts'
import { patchRegistry } from './patch-registry.ts'
import { listRule, type ReadyPatch } from './ready-patch.ts'

/** One change of a bootstrap document, in proto JSON with .proto field names. */
export interface BootstrapPatch {
  readonly value: JsonObject
  readonly lists: ListRule
}

/** All changes of the bootstrap of one proxy, in order, and a name for them: empty when there are none. */
export interface BootstrapPatches {
  readonly version: string
  readonly patches: readonly BootstrapPatch[]
}

/** A bootstrap that nobody changes. */
export const noBootstrapPatches: BootstrapPatches = { version: '', patches: [] }

/** What connects a proxy with the mesh is not for patches: without it nobody could tell it anything any more. */
const kept = ['node', 'admin', 'dynamicResources', 'clusterManager'] as const satisfies readonly (keyof Bootstrap)[]

/** The patches of a bootstrap among those of a proxy, and which of them cannot be applied. */
export function bootstrapPatches(
  patches: readonly ReadyPatch[],
  gateway: boolean,
): { readonly found: BootstrapPatches; readonly problems: readonly GeneratorProblem[] } {
  const problems: GeneratorProblem[] = []
  const found = patches.flatMap(({ applyTo, operation, value, match, origin }): BootstrapPatch[] => {
    const { context = 'ANY' } = match ?? {}
    if (applyTo !== 'BOOTSTRAP' || (context !== 'ANY' && (context === 'GATEWAY') !== gateway)) return []
    const refuse = (message: string): [] => {
      problems.push({ origin, message })
      return []
    }
    if (!operation.startsWith('MERGE') || value === undefined) {
      return refuse(`${operation} does nothing to a BOOTSTRAP: write MERGE`)
    }
    const own = kept.filter((name) => (value as Bootstrap)[name] !== undefined)
    if (own.length > 0)
      return refuse(
        `${own.join(', ')} of a bootstrap cannot be patched: what connects the proxy with the mesh stays as it is`,
      )
    const json = toJson(BootstrapSchema, value as Bootstrap, { registry: patchRegistry, useProtoFieldName: true })
    return [{ value: json as JsonObject, lists: listRule(operation) }]
  })
  if (found.length === 0) return { found: noBootstrapPatches, problems }
  return { found: { version: versionOf(new TextEncoder().encode(JSON.stringify(found))), patches: found }, problems }
}
