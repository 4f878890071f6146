// What a proxy says of itself, as far as patches ask.
import { compileRegex } from '@weft/engine/regex'
import { type ConfigPatch, nodeMetadata, type WorkloadInstance } from '@weft/resources'

/** The instance whose proxy is patched. */
export type PatchedProxy = Pick<WorkloadInstance, 'name' | 'namespace' | 'workload' | 'serviceAccount' | 'proxy'>

/** The version of Istio whose API this is: what patches for one version or another are compared with. */
const apiVersion = '1.31.0'

/** Whether a patch is for a proxy: every word of its match is true of it. */
export function isForProxy(match: ConfigPatch['match'], proxy: PatchedProxy): boolean {
  const { proxyVersion, metadata } = match?.proxy ?? {}
  if (proxyVersion !== undefined && !isFound(proxyVersion, apiVersion)) return false
  if (metadata === undefined) return true
  const said: Readonly<Record<string, string>> = { ...nodeMetadata(proxy), ISTIO_VERSION: apiVersion }
  return Object.entries(metadata).every(([key, value]) => Object.hasOwn(said, key) && said[key] === value)
}

/** Anywhere in the text. An expression that cannot be read is refused at the door, and finds nothing. */
function isFound(expression: string, text: string): boolean {
  const compiled = compileRegex(`(?s:.*)(?:${expression})(?s:.*)`)
  return compiled.ok && compiled.value.fullMatch(text)
}
