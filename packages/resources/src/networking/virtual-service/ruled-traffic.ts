// What the rules of a VirtualService are about.

/** Requests (`http`), or connections (`tcp`, `tls`). */
type RuledTraffic = 'requests' | 'connections'

/** What of the traffic for its hosts a VirtualService rules; both when it has no rules at all. */
export function ruledTraffic(spec: {
  readonly http: readonly unknown[]
  readonly tls: readonly unknown[]
  readonly tcp: readonly unknown[]
}): RuledTraffic[] {
  const requests = spec.http.length > 0
  const connections = spec.tls.length + spec.tcp.length > 0
  if (requests === connections) return ['requests', 'connections']
  return [requests ? 'requests' : 'connections']
}
