// Which names a listener answers to, and with which routes. A name belongs to the narrowest listener that takes it, whether or
// not a route is there; under a name the routes of narrower hostnames are tried before those of wider ones.
import type { Attachment } from '../../gateway-api/attach.ts'
import { byHostname, coversHostname } from '../../gateway-api/hostnames.ts'
import type { PlacedListener } from '../../gateway-api/listeners.ts'
import type { Route } from '../../gateway-api/objects.ts'

/** A name, and the routes under it by the hostname they are attached with: its own first. */
export interface NamedHost {
  /** Undefined: every name. */
  readonly hostname: string | undefined
  readonly listener: PlacedListener
  readonly levels: readonly (readonly Route[])[]
}

/** The names of listeners that share a port, narrow ones first. */
export function namedHosts(listeners: readonly PlacedListener[], attached: readonly Attachment[]): NamedHost[] {
  const hosts: NamedHost[] = []
  for (const listener of listeners) {
    const own = attached.filter((one) => one.listener === listener)
    const names = new Set<string | undefined>([
      lower(listener.spec.hostname),
      ...own.flatMap(({ hostnames }) => hostnames),
    ])
    for (const hostname of names) {
      if (narrowest(listeners, hostname) !== listener) continue
      const levels = [...names]
        .filter((wider) => coversHostname(wider, hostname))
        .sort(byHostname)
        .map((wider) => own.filter(({ hostnames }) => hostnames.includes(wider)).map(({ route }) => route))
        .filter((routes) => routes.length > 0)
      hosts.push({ hostname, listener, levels })
    }
  }
  return hosts.sort((a, b) => byHostname(a.hostname, b.hostname))
}

/** The listener that a name belongs to; of several with the same hostname the first. */
function narrowest(listeners: readonly PlacedListener[], hostname: string | undefined): PlacedListener | undefined {
  let best: PlacedListener | undefined
  for (const listener of listeners) {
    if (!coversHostname(lower(listener.spec.hostname), hostname)) continue
    if (best === undefined || byHostname(lower(listener.spec.hostname), lower(best.spec.hostname)) < 0) best = listener
  }
  return best
}

function lower(hostname: string | undefined): string | undefined {
  return hostname?.toLowerCase()
}
