// Passive health checking: endpoints that fail again and again are left out for a while (Envoy's DetectorImpl).
import type { OutlierDetection } from '../model.ts'

/**
 * How a request to an endpoint ended. `local-failure`: no connection, a reset, or no answer in time; nothing came from the endpoint.
 * `connected`: it has not, but there is a connection that carries it.
 */
export type RequestResult = { readonly status: number } | 'local-failure' | 'connected'

interface Host {
  consecutive5xx: number
  consecutiveGateway: number
  consecutiveLocal: number
  /** When it was ejected; undefined: it is in use. */
  ejectedAtMs: number | undefined
  /** Ejections in a row: the next one lasts so many times as long. */
  backOff: number
}

/** The endpoints of one cluster. Time and chance come in with each call. */
export class OutlierDetector {
  /** Keys of those that are left out now; a new set each time it changes. */
  ejected: ReadonlySet<string> = new Set()
  readonly #hosts = new Map<string, Host>()
  #settings: OutlierDetection

  constructor(settings: OutlierDetection) {
    this.#settings = settings
  }

  configure(settings: OutlierDetection): void {
    this.#settings = settings
  }

  /** Forgets endpoints that are there no more. True: `ejected` changed. */
  keep(keys: ReadonlySet<string>): boolean {
    for (const key of [...this.#hosts.keys()]) if (!keys.has(key)) this.#hosts.delete(key)
    const left = [...this.ejected].filter((key) => keys.has(key))
    if (left.length === this.ejected.size) return false
    this.ejected = new Set(left)
    return true
  }

  /** Takes a result; true: the endpoint was ejected. `total`: endpoints of the cluster; `draw` gives a number in [0, 1). */
  onResult(
    key: string,
    result: RequestResult,
    { nowMs, total, draw }: { readonly nowMs: number; readonly total: number; draw(): number },
  ): boolean {
    const host = this.#hostOf(key)
    const enforced = this.#count(host, result)
    if (enforced === undefined || host.ejectedAtMs !== undefined) return false
    const { maxEjectionPercent, alwaysEjectOne, maxEjectionMs, baseEjectionMs } = this.#settings
    const share = ((this.ejected.size + 1) * 100) / total
    const allowed = share <= maxEjectionPercent || (alwaysEjectOne && this.ejected.size === 0)
    if (!allowed || draw() * 100 >= enforced) return false
    host.ejectedAtMs = nowMs
    if (host.backOff * baseEjectionMs < maxEjectionMs) host.backOff++
    this.ejected = new Set([...this.ejected, key])
    return true
  }

  /** Looks through them, as often as `intervalMs` says. True: some are in use again. */
  sweep(nowMs: number): boolean {
    const { baseEjectionMs, maxEjectionMs } = this.#settings
    const back = new Set<string>()
    for (const [key, host] of this.#hosts) {
      if (host.ejectedAtMs === undefined) {
        if (host.backOff > 0) host.backOff--
        continue
      }
      if (nowMs - host.ejectedAtMs < Math.min(baseEjectionMs * host.backOff, maxEjectionMs)) continue
      host.ejectedAtMs = undefined
      host.consecutive5xx = host.consecutiveGateway = host.consecutiveLocal = 0
      back.add(key)
    }
    if (back.size === 0) return false
    this.ejected = new Set([...this.ejected].filter((key) => !back.has(key)))
    return true
  }

  /** Counts; the percentage in which ejecting is meant, when a count was reached that ejects. */
  #count(host: Host, result: RequestResult): number | undefined {
    const { splitsLocal, consecutiveLocal, enforcingLocalPercent } = this.#settings
    if (result === 'local-failure' && splitsLocal) {
      if (++host.consecutiveLocal < consecutiveLocal) return undefined
      host.consecutiveLocal = 0
      return enforcingLocalPercent
    }
    if (result === 'connected') {
      if (splitsLocal) host.consecutiveLocal = 0
      return undefined
    }
    const status = result === 'local-failure' ? 503 : result.status
    // Something came from the endpoint.
    if (result !== 'local-failure') host.consecutiveLocal = 0
    if (status < 500) {
      host.consecutive5xx = 0
      host.consecutiveGateway = 0
      return undefined
    }
    return this.#countFailure(host, status >= 502 && status <= 504)
  }

  #countFailure(host: Host, gateway: boolean): number | undefined {
    const settings = this.#settings
    let enforced: number | undefined
    if (!gateway) host.consecutiveGateway = 0
    else if (++host.consecutiveGateway === settings.consecutiveGatewayFailure) {
      host.consecutiveGateway = 0
      enforced = settings.enforcingConsecutiveGatewayFailurePercent
    }
    if (++host.consecutive5xx === settings.consecutive5xx) {
      host.consecutive5xx = 0
      enforced = Math.max(enforced ?? 0, settings.enforcingConsecutive5xxPercent)
    }
    return enforced
  }

  #hostOf(key: string): Host {
    let host = this.#hosts.get(key)
    if (host === undefined) {
      host = { consecutive5xx: 0, consecutiveGateway: 0, consecutiveLocal: 0, ejectedAtMs: undefined, backOff: 0 }
      this.#hosts.set(key, host)
    }
    return host
  }
}
