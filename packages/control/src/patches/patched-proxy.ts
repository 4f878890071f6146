// What a proxy says of itself, as far as patches ask.
import { compileRegex } from '@weft/engine/regex'
import type { ConfigPatch, WorkloadInstance } from '@weft/resources'

/** The instance whose proxy is patched. */
export type PatchedProxy = Pick<WorkloadInstance, 'name' | 'namespace' | 'workload' | 'serviceAccount' | 'proxy'>

/** The version of Istio whose API this is: what patches for one version or another are compared with. */
const apiVersion = '1.31.0'

/** Whether a patch is for a proxy: every word of its match is true of it. */
export function isForProxy(match: ConfigPatch['match'], proxy: PatchedProxy): boolean {
  const { proxyVersion, metadata } = match?.proxy ?? {}
  if (proxyVersion !== undefined && !isFound(proxyVersion, apiVersion)) return false
  if (metadata === undefined) return true
  const said = metadataOf(proxy)
  return Object.entries(metadata).every(([key, value]) => said.get(key) === value)
}

function metadataOf({ name, namespace, workload, serviceAccount }: PatchedProxy): ReadonlyMap<string, string> {
  return new Map([
    ['NAME', name],
    ['NAMESPACE', namespace],
    ['WORKLOAD_NAME', workload],
    ['SERVICE_ACCOUNT', serviceAccount],
    ['ISTIO_VERSION', apiVersion],
  ])
}

/** Anywhere in the text. An expression that cannot be read is refused at the door, and finds nothing. */
function isFound(expression: string, text: string): boolean {
  const compiled = compileRegex(`(?s:.*)(?:${expression})(?s:.*)`)
  return compiled.ok && compiled.value.fullMatch(text)
}
