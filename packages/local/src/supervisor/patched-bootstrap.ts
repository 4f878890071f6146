// The bootstrap of an Envoy with what EnvoyFilters for BOOTSTRAP change in it.
import { execFile } from 'node:child_process'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type JsonObject = { readonly [key: string]: Json }

/** What the control plane says of the bootstrap of one proxy (`GET /v1/proxies/:id/bootstrap`). */
export interface BootstrapChanges {
  readonly version: string
  readonly patches: readonly { readonly value: JsonObject; readonly lists: 'append' | 'replace' }[]
}

/** The document with all changes; its node says which ones, so that the control plane can tell when there are others. */
export function patchedBootstrap(base: string, { version, patches }: BootstrapChanges): string {
  const started = { node: { metadata: { WEFT: { bootstrap: version } } } }
  const all = [...patches, { value: started, lists: 'append' as const }]
  return JSON.stringify(
    all.reduce((document: Json, { value, lists }) => merged(document, value, lists), JSON.parse(base) as Json),
  )
}

/** As protobuf merges: scalars replace, messages merge, lists grow (or are replaced); configurations of two types do not mix. */
function merged(target: Json | undefined, source: Json, lists: 'append' | 'replace'): Json {
  if (Array.isArray(target) && Array.isArray(source))
    return lists === 'append' ? [...(target as Json[]), ...(source as Json[])] : (source as Json[])
  if (!isObject(target) || !isObject(source) || target['@type'] !== source['@type']) return source
  const inside = Object.entries(source).map(([key, value]) => [key, merged(target[key], value, lists)] as const)
  return { ...target, ...Object.fromEntries(inside) }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const validateTimeoutMs = 30_000

/** Why Envoy would not start with this file; undefined: it would. */
export function bootstrapFault(file: string, env: Readonly<Record<string, string>>): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { env: { ...env }, timeout: validateTimeoutMs }
    execFile('envoy', ['--mode', 'validate', '-c', file], options, (error, _stdout, stderr) => {
      if (error === null) return resolve(undefined)
      const lines = stderr.split('\n').filter((line) => line.trim() !== '')
      const told = lines.findLast((line) => /\[(critical|error)\]/.test(line)) ?? lines.at(-1) ?? error.message
      resolve(told.replace(/^(\[[^\]]*\]\s*)+/, ''))
    })
  })
}
