// filter_metadata of our resources: stable origins for `explain` and `status`, Istio's service names for metrics.
import type { JsonObject } from '@bufbuild/protobuf'

/** The `metadata` member of listeners, chains, virtual hosts, routes and clusters. Undefined members are left out. */
export function weftMetadata(
  weft: Readonly<Record<string, JsonObject | string | undefined>>,
  istio?: JsonObject,
): { filterMetadata: Record<string, JsonObject> } {
  const own = Object.fromEntries(Object.entries(weft).filter(([, value]) => value !== undefined)) as JsonObject
  return { filterMetadata: istio === undefined ? { weft: own } : { weft: own, istio } }
}
