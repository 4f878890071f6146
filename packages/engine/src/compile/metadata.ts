// filter_metadata: origins for proofs, and plain JSON for whoever asks.
import type { Metadata } from '@weft/xds/lean'
import type { Origins } from '../model.ts'
import type { Json } from '../request-head.ts'

const none: Origins = Object.freeze({})
const empty: Readonly<Record<string, Json>> = Object.freeze({})

/** `filter_metadata["weft"]`: key -> `group/kind/ns/name#field.path`. */
export function originsOf(metadata: Metadata | undefined): Origins {
  const weft = metadata?.filterMetadata.get('weft')
  if (weft === undefined) return none
  const origins: Record<string, string> = {}
  for (const [key, value] of Object.entries(weft)) if (typeof value === 'string') origins[key] = value
  return origins
}

/** `filter_metadata` as a plain object. */
export function metadataOf(metadata: Metadata | undefined): Readonly<Record<string, Json>> {
  if (metadata === undefined || metadata.filterMetadata.size === 0) return empty
  return Object.fromEntries(metadata.filterMetadata)
}
