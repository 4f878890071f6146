// What the control plane hands to the distributor: every resource of one proxy, encoded once.
import type { Origin } from '@weft/core'

/** A resource, encoded. */
export interface EncodedResource {
  readonly name: string
  /** Hash of the content: equal on all replicas of the control plane, and across its restarts. */
  readonly version: string
  /** The encoded resource message, which is the `value` of the `Any` it travels in. */
  readonly body: Uint8Array
  /** The configuration objects it came from, for `weft status`. */
  readonly origin?: readonly Origin[]
  /** Of a cluster: the name of its endpoints, when that is not its own. */
  readonly endpoints?: string
}

/** All resources of one proxy. Immutable: a change is a new table (which may share the maps of unchanged types). */
export interface ResourceTable {
  /** The resources of a type by name; empty for a type it does not have. */
  get(typeUrl: string): ReadonlyMap<string, EncodedResource>
  /** A version of the whole type: equal if and only if all (name, version) pairs are. */
  versionOf(typeUrl: string): string
}

const none: ReadonlyMap<string, EncodedResource> = new Map()

/** A table over maps by type URL. `hash` makes a short hash of a text (the caller's choice of algorithm). */
export function resourceTable(
  types: ReadonlyMap<string, ReadonlyMap<string, EncodedResource>>,
  hash: (text: string) => string,
): ResourceTable {
  const versions = new Map<string, string>()
  return {
    get: (typeUrl) => types.get(typeUrl) ?? none,
    versionOf(typeUrl) {
      const known = versions.get(typeUrl)
      if (known !== undefined) return known
      const resources = [...(types.get(typeUrl) ?? none).values()].map((r) => `${r.name}\0${r.version}\n`)
      const version = hash(resources.sort().join(''))
      versions.set(typeUrl, version)
      return version
    },
  }
}
