// Why it cannot be told what a proxy does for want of a resource.
import type { ProxyView, UnreadResource } from './explanation.ts'

/** In words: resources of this type are there and not understood; undefined: what is not there, the proxy does not have. */
export function whyUnread({ id, unread = [] }: ProxyView, type: UnreadResource['type']): string | undefined {
  const found = unread.filter((one) => one.type === type)
  if (found.length === 0) return undefined
  const list = found.map(({ name, reason }) => `${type} ${name} (${reason})`).join(', ')
  return `${id} is an Envoy with configuration that is not understood here: ${list}`
}
