// What one stream may make the control plane remember. A workload proves who it is, which does not make it harmless.
import type { ServerState } from '@weft/xds'

/** Types there are, and some that only newer clients know. */
const maxTypes = 64
/** Far more than a proxy of a very large mesh has clusters. */
const maxNames = 200_000
/** Names hold hosts, ports and subsets; the longest there are have some hundred characters. */
const maxNameLength = 4096

/**
 * Open streams of one proxy. A proxy has one, two while it is replaced; a gRPC library has one for each channel. All clients that name no
 * proxy count as the first of their identity.
 */
export const maxStreamsOfProxy = 256
/** Streams of one identity that have yet to send their first request, which comes with them: a whole fleet may start at once. */
export const maxWaitingOfIdentity = 1024

/** What a request asks for. */
export interface AskedFor {
  readonly typeUrl: string
  readonly names: readonly string[]
}

/** Why a request goes beyond what a stream may ask for; undefined when it does not. */
export function excessOf({ types }: ServerState, { typeUrl, names }: AskedFor): string | undefined {
  const known = types.get(typeUrl)
  if (known === undefined && types.size >= maxTypes) return `a stream may ask for ${maxTypes} types`
  if (typeUrl.length > maxNameLength || names.some((name) => name.length > maxNameLength)) {
    return `names may have ${maxNameLength} characters`
  }
  const room = maxNames - (known?.names.size ?? 0)
  if (names.length <= room) return undefined
  const fresh = new Set(names.filter((name) => known?.names.has(name) !== true))
  return fresh.size <= room ? undefined : `a stream may ask for ${maxNames} names of a type`
}
