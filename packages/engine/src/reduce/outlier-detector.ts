// Passive health checking: endpoints that fail again and again are left out for a while (Envoy's DetectorImpl).
import type { OutlierDetection } from '../model.ts'
import { outliersByRate, type Tally } from './success-rates.ts'

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
  /** Of the interval that runs. */
  readonly tally: Tally
  readonly localTally: Tally
}

/** What an ejection depends on. `total`: endpoints of the cluster; `draw` gives a number in [0, 1). */
export interface EjectionScope {
  readonly nowMs: number
  readonly total: number
  draw(): number
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

  /** Takes a result; true: the endpoint was ejected. */
  onResult(key: string, result: RequestResult, scope: EjectionScope): boolean {
    const host = this.#hostOf(key)
    const enforced = this.#count(host, result)
    if (enforced === undefined) return false
    return this.#eject(key, host, enforced, scope)
  }

  #eject(key: string, host: Host, enforced: number, { nowMs, total, draw }: EjectionScope): boolean {
    if (host.ejectedAtMs !== undefined) return false
    const { maxEjectionPercent, alwaysEjectOne, maxEjectionMs, baseEjectionMs } = this.#settings
    const share = ((this.ejected.size + 1) * 100) / total
    const allowed = share <= maxEjectionPercent || (alwaysEjectOne && this.ejected.size === 0)
    if (!allowed || draw() * 100 >= enforced) return false
    host.ejectedAtMs = nowMs
    if (host.backOff * baseEjectionMs < maxEjectionMs) host.backOff++
    this.ejected = new Set([...this.ejected, key])
    return true
  }

  /** Looks through them, as often as `intervalMs` says. True: some are in use again, or no longer. */
  sweep(scope: EjectionScope): boolean {
    const back = this.#takeBack(scope.nowMs)
    return this.#ejectByRates(scope) || back
  }

  #ejectByRates(scope: EjectionScope): boolean {
    const { rates, localRates, splitsLocal } = this.#settings
    const inUse = [...this.#hosts].filter(([, { ejectedAtMs }]) => ejectedAtMs === undefined)
    const found = [
      ...outliersByRate(
        inUse.map(([key, { tally }]) => [key, tally]),
        rates,
      ),
      ...(splitsLocal
        ? outliersByRate(
            inUse.map(([key, { localTally }]) => [key, localTally]),
            localRates,
          )
        : []),
    ]
    for (const { tally, localTally } of this.#hosts.values())
      tally.total = tally.successes = localTally.total = localTally.successes = 0
    const ejected = found.filter(({ key, enforcedPercent }) =>
      this.#eject(key, this.#hostOf(key), enforcedPercent, scope),
    )
    return ejected.length > 0
  }

  #takeBack(nowMs: number): boolean {
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
      host.localTally.total++
      if (++host.consecutiveLocal < consecutiveLocal) return undefined
      host.consecutiveLocal = 0
      return enforcingLocalPercent
    }
    if (result === 'connected') {
      if (!splitsLocal) return undefined
      host.consecutiveLocal = 0
      host.localTally.total++
      host.localTally.successes++
      return undefined
    }
    const status = result === 'local-failure' ? 503 : this.#severity(result.status)
    // Something came from the endpoint.
    if (result !== 'local-failure') host.consecutiveLocal = 0
    host.tally.total++
    if (status < 500) host.tally.successes++
    if (status < 500) {
      host.consecutive5xx = 0
      host.consecutiveGateway = 0
      return undefined
    }
    return this.#countFailure(host, status >= 502 && status <= 504)
  }

  /** As Envoy reports it: where a cluster says what errors are, an answer is 500 or 200. */
  #severity(status: number): number {
    const { errorStatuses } = this.#settings
    if (errorStatuses === undefined) return status
    return errorStatuses.has(status) ? 500 : 200
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
      const counts = { consecutive5xx: 0, consecutiveGateway: 0, consecutiveLocal: 0 }
      const [tally, localTally] = [
        { total: 0, successes: 0 },
        { total: 0, successes: 0 },
      ]
      host = { ...counts, ejectedAtMs: undefined, backOff: 0, tally, localTally }
      this.#hosts.set(key, host)
    }
    return host
  }
}
