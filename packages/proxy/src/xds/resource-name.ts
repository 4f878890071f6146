// The name of an encoded resource, without decoding the rest.
import { LeanDecodeError, LeanReader } from '@weft/xds'

/** Field 1, which is the name in every xDS resource type; undefined when the bytes are malformed or have none. */
export function resourceName(value: Uint8Array): string | undefined {
  const reader = new LeanReader(value, [])
  try {
    while (reader.pos < reader.end) {
      const tag = reader.tag()
      if (tag === 10) return reader.string()
      reader.skip(tag)
    }
  } catch (error) {
    if (!(error instanceof LeanDecodeError)) throw error
  }
  return undefined
}
