import type { NameAnswer, Runtime } from '@weft/core'
import { type DnsCache, type DynamicHost, dynamicEndpoint, type Endpoint, literalAddress } from '@weft/engine'
import type { DnsCounters } from './dns-stats.ts'

/** What is known of a host: where it is, that it is nowhere to be found, or that no more can be remembered or waited for. */
export type HostAnswer =
  | { readonly kind: 'found' }
  | { readonly kind: 'failed'; readonly detail: string }
  | { readonly kind: 'full' }
  | { readonly kind: 'too-many-waiting' }

/** What a cache needs from the proxy around it. */
export interface HostCacheContext {
  readonly runtime: Pick<Runtime, 'net' | 'timers' | 'clock'>
  /** Name servers of the machine, where the configuration names none; empty: those that its system asks. */
  readonly servers: DnsCache['servers']
}

interface Host {
  readonly name: string
  /** None: it leads nowhere, as far as anybody knows. */
  addresses: readonly string[]
  failure: string
  /** What is known holds so long. */
  expiresMs: number
  /** Asked for after this, it is looked up again beside: whoever asks next need not wait. */
  renewMs: number
  usedMs: number
  asking: boolean
  readonly waiters: Set<(answer: HostAnswer) => void>
  /** By port; made once, so that requests make none. */
  readonly endpoints: Map<number, Endpoint>
}

const found: HostAnswer = { kind: 'found' }
const full: HostAnswer = { kind: 'full' }
const tooManyWaiting: HostAnswer = { kind: 'too-many-waiting' }

/** Of one host; an answer may have thousands. */
const mostAddresses = 16

/** The part of its time after which an address that is asked for is looked up again. */
const renewedAfter = 0.8

/**
 * The addresses of hosts that requests name: kept as long as name servers say, and bounded, since clients choose the names. A lookup that
 * fails leaves the addresses that were known; a name that has none any more loses them.
 */
export class HostCache {
  #config: DnsCache
  readonly #context: HostCacheContext
  readonly #counters: DnsCounters
  readonly #hosts = new Map<string, Host>()
  #waiting = 0

  constructor(config: DnsCache, context: HostCacheContext, counters: DnsCounters) {
    this.#config = config
    this.#context = context
    this.#counters = counters
  }

  configure(config: DnsCache): void {
    this.#config = config
  }

  /** What is known of a host now; otherwise calls back once it is, and returns how to stop waiting. */
  find(name: string, onAnswer: (answer: HostAnswer) => void): HostAnswer | (() => void) {
    if (literalAddress(name) !== undefined) return found
    const nowMs = this.#context.runtime.clock.nowMs()
    const host = this.#hosts.get(name) ?? this.#add(name, nowMs)
    if (host === undefined) return full
    host.usedMs = nowMs
    if (nowMs < host.expiresMs) {
      if (nowMs >= host.renewMs && host.addresses.length > 0) this.#ask(host)
      return answerOf(host)
    }
    if (this.#waiting >= this.#config.maxPending) {
      this.#counters.overflowed()
      return tooManyWaiting
    }
    this.#waiting += 1
    host.waiters.add(onAnswer)
    this.#ask(host)
    return () => {
      if (host.waiters.delete(onAnswer)) this.#waiting -= 1
    }
  }

  /** Where a host is; undefined: not known. */
  endpointOf(at: DynamicHost): Endpoint | undefined {
    const host = this.#hosts.get(at.host)
    if (host === undefined) {
      const address = literalAddress(at.host)
      return address === undefined ? undefined : dynamicEndpoint(at, address)
    }
    const known = host.endpoints.get(at.port)
    const [address] = host.addresses
    if (known !== undefined || address === undefined) return known
    const endpoint = dynamicEndpoint(at, address)
    host.endpoints.set(at.port, endpoint)
    return endpoint
  }

  /** Whether a host is still where an endpoint of it was made for. */
  isAt({ hostname, target }: Endpoint): boolean {
    if (target.kind !== 'socket') return true
    const known = this.#hosts.get(hostname)?.addresses
    return known === undefined ? literalAddress(hostname) !== undefined : known.includes(target.address)
  }

  /** An endpoint of a host could not be connected to: its next address, if it has one, is tried from now on. */
  unreachable({ hostname, target }: Endpoint): void {
    const host = this.#hosts.get(hostname)
    const [first, ...rest] = host?.addresses ?? []
    if (host === undefined || first === undefined || rest.length === 0) return
    if (target.kind !== 'socket' || target.address !== first) return
    host.addresses = [...rest, first]
    host.endpoints.clear()
  }

  /** Forgets what nobody has asked for. */
  sweep(nowMs: number): void {
    for (const host of this.#hosts.values()) {
      const wanted = nowMs - host.usedMs < this.#config.hostTtlMs
      // Names that lead nowhere are free to make up: they must not keep the others out.
      const worth = host.addresses.length > 0 || nowMs < host.expiresMs
      if (host.asking || host.waiters.size > 0 || (wanted && worth)) continue
      this.#hosts.delete(host.name)
      this.#counters.hosts(this.#hosts.size, 'removed')
    }
  }

  /** For people: what is known, in the order it was asked for first. */
  view(): readonly { readonly host: string; readonly addresses: readonly string[]; readonly expiresInMs: number }[] {
    const nowMs = this.#context.runtime.clock.nowMs()
    return [...this.#hosts.values()].map(({ name, addresses, expiresMs }) => ({
      host: name,
      addresses,
      expiresInMs: Math.max(0, Math.round(expiresMs - nowMs)),
    }))
  }

  #add(name: string, nowMs: number): Host | undefined {
    if (this.#hosts.size >= this.#config.maxHosts) this.sweep(nowMs)
    if (this.#hosts.size >= this.#config.maxHosts) {
      this.#counters.full()
      return undefined
    }
    const never = { expiresMs: Number.NEGATIVE_INFINITY, renewMs: Number.NEGATIVE_INFINITY }
    const sets = { waiters: new Set<(answer: HostAnswer) => void>(), endpoints: new Map<number, Endpoint>() }
    const host: Host = { name, addresses: [], failure: '', ...never, usedMs: nowMs, asking: false, ...sets }
    this.#hosts.set(name, host)
    this.#counters.hosts(this.#hosts.size, 'added')
    return host
  }

  #ask(host: Host): void {
    if (host.asking) return
    host.asking = true
    this.#counters.asked()
    const { timers, clock } = this.#context.runtime
    const { queryTimeoutMs, failureRefreshMs } = this.#config
    const timer = timers.set(
      queryTimeoutMs,
      () => {
        this.#counters.timedOut()
        host.failure = `no answer within ${queryTimeoutMs} ms`
        host.expiresMs = host.renewMs = clock.nowMs() + failureRefreshMs
        this.#answer(host)
      },
      { keepAlive: false },
    )
    const [first, second] = familiesOf(this.#config.family)
    this.#lookup(host.name, first, (answer) => {
      if (answer.kind === 'addresses' || second === undefined) return this.#learn(host, answer, timer)
      this.#lookup(host.name, second, (other) =>
        this.#learn(host, other.kind === 'none' ? worse(answer, other) : other, timer),
      )
    })
  }

  #lookup(name: string, family: 4 | 6, onAnswer: (answer: NameAnswer) => void): void {
    const { net, timers } = this.#context.runtime
    const { servers } = this.#config
    const question = { name, family, servers: servers.length > 0 ? servers : this.#context.servers }
    if (net.names !== undefined) return net.names.lookup(question, onAnswer)
    timers.set(0, () => onAnswer({ kind: 'failed', detail: 'no names are looked up on this network' }))
  }

  /** The answer counts even when it comes too late for those who asked. */
  #learn(host: Host, answer: NameAnswer, timer: { cancel(): void }): void {
    timer.cancel()
    host.asking = false
    const nowMs = this.#context.runtime.clock.nowMs()
    const { refreshMs, minRefreshMs, failureRefreshMs } = this.#config
    if (answer.kind === 'addresses') {
      this.#counters.answered(true)
      const holdsMs = Math.max(minRefreshMs, answer.ttlMs ?? refreshMs)
      host.expiresMs = nowMs + holdsMs
      host.renewMs = nowMs + holdsMs * renewedAfter
      const addresses = answer.addresses.slice(0, mostAddresses)
      if (!sameAddresses(host.addresses, addresses)) {
        if (host.addresses.length > 0) this.#counters.changed()
        host.addresses = addresses
        host.endpoints.clear()
      }
      return this.#answer(host)
    }
    this.#counters.answered(false)
    host.expiresMs = host.renewMs = nowMs + failureRefreshMs
    host.failure = answer.kind === 'none' ? 'no such host' : answer.detail
    if (answer.kind === 'none') {
      host.addresses = []
      host.endpoints.clear()
    }
    this.#answer(host)
  }

  #answer(host: Host): void {
    const waiters = [...host.waiters]
    host.waiters.clear()
    this.#waiting -= waiters.length
    const answer = answerOf(host)
    for (const waiter of waiters) waiter(answer)
  }
}

function answerOf({ addresses, failure }: Host): HostAnswer {
  return addresses.length > 0 ? found : { kind: 'failed', detail: failure }
}

function familiesOf(family: DnsCache['family']): readonly [4 | 6, (4 | 6)?] {
  switch (family) {
    case 'v4':
      return [4]
    case 'v6':
      return [6]
    case 'v4-preferred':
      return [4, 6]
    case 'v6-preferred':
      return [6, 4]
  }
}

/** That one family failed is no word about the name. */
function worse(first: NameAnswer, second: NameAnswer): NameAnswer {
  return first.kind === 'failed' ? first : second
}

/** Servers deal the addresses of a name out in turns: another order is no change. */
function sameAddresses(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((address) => b.includes(address))
}
