// Weft's proxy of one instance: generations of one or more processes that share listening descriptors, an identity, a folder
// and one set of metrics. A new generation takes over before the old one lets go (decision 0011).
import { err, type MetricsSnapshot, ok, type Result, type Retirement } from '@weft/core'
import { ListeningDescriptors } from './listening-descriptors.ts'
import type { ProxyLaunch, ProxyProcesses, Replaced, Replacement } from './proxy-processes.ts'
import { ProxyShard, type ShardOwner } from './proxy-shard.ts'

/** Processes of one start. */
interface Generation {
  readonly epoch: number
  readonly shards: ProxyShard[]
  /** Its first shard speaks for the proxy. */
  leads: boolean
}

const readyTimeoutMs = 30_000
const lookMs = 25
const drainLookMs = 100
const stopGraceMs = 2_000
const failedGraceMs = 12_000
/** A connection of a retiring generation that has nothing in flight is ended after this long. */
const idleMs = 10_000
/** Generations on their way out at once; of more, the oldest is ended. */
const maxRetiring = 3
/** Snapshots that wait for a process to inherit them; each is one death, and one living process takes all. */
const maxLegacy = 32

/** The processes of one proxy. */
export class WeftProxy implements ProxyProcesses {
  #launch: ProxyLaunch
  readonly #descriptors: ListeningDescriptors
  readonly #retiring = new Set<Generation>()
  #current: Generation
  #next: Generation | undefined
  #legacy: MetricsSnapshot[] = []
  #lines: string[] = []
  #restartsBefore = 0
  #stopped = false

  constructor(launch: ProxyLaunch, { shards, spread }: { readonly shards: number; readonly spread: boolean }) {
    this.#launch = launch
    this.#descriptors = new ListeningDescriptors({ spread })
    this.#current = { epoch: 0, shards: [], leads: true }
    this.#fill(this.#current, shards)
  }

  get pids(): readonly number[] {
    return pidsOf(this.#current)
  }

  get retiringPids(): readonly number[] {
    return [...this.#retiring].flatMap(pidsOf)
  }

  get epoch(): number {
    return this.#current.epoch
  }

  get restarts(): number {
    return this.#current.shards.reduce((sum, { restarts }) => sum + restarts, this.#restartsBefore)
  }

  get problem(): string | undefined {
    return this.#current.shards.find(({ problem }) => problem !== undefined)?.problem
  }

  get lastLines(): readonly string[] {
    return this.#lines
  }

  isReady(): Promise<boolean> {
    return isLive(this.#current)
  }

  async drain(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs
    while (Date.now() < deadline) {
      const open = await Promise.all(this.#current.shards.map((shard) => shard.drain()))
      if (open.every((connections) => connections === 0)) break
      await pause(drainLookMs)
    }
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopped = true
    const generations = [this.#current, ...this.#retiring, ...(this.#next === undefined ? [] : [this.#next])]
    await Promise.all(generations.map((generation) => stopAll(generation, graceMs)))
    this.#descriptors.close()
  }

  async replace({ shards, env, drainMs }: Replacement): Promise<Result<Replaced>> {
    if (this.#stopped) return err('it is being stopped')
    if (this.#next !== undefined) return err('it is being restarted already')
    const next: Generation = { epoch: this.#current.epoch + 1, shards: [], leads: false }
    this.#next = next
    const before = this.#launch
    this.#launch = { ...before, env }
    this.#fill(next, shards)
    const ready = await this.#takeOver(next)
    this.#next = undefined
    if (!ready.ok) {
      this.#launch = before
      // It may have accepted connections already.
      await stopAll(next, failedGraceMs)
      // Nobody accepts on what was made for it alone.
      if (await isLive(this.#current)) this.#descriptors.forgetAbandoned()
      return ready
    }
    const previous = this.#current
    const previousPids = pidsOf(previous)
    this.#restartsBefore += previous.shards.reduce((sum, { restarts }) => sum + restarts, 0)
    this.#current = next
    this.#retire(previous, { drainMs, idleMs: Math.min(idleMs, drainMs) })
    this.#descriptors.forgetAbandoned()
    this.#bequeath()
    return ok({ epoch: next.epoch, previousPids, pids: pidsOf(next) })
  }

  /** Waits until a generation serves, and makes it the one that speaks for the proxy. */
  async #takeOver(next: Generation): Promise<Result<undefined>> {
    const deadline = Date.now() + readyTimeoutMs
    while (!(await isLive(next))) {
      const last = this.#lines.slice(-4).map((line) => `\n  ${line}`)
      const failing = next.shards.find(({ restarts }) => restarts >= 3)
      if (failing !== undefined) return err(`the new generation ${failing.problem ?? 'ends'}${last.join('')}`)
      if (this.#stopped) return err('it is being stopped')
      if (Date.now() > deadline) return err(`the new generation is not ready in time${last.join('')}`)
      await pause(lookMs)
    }
    next.leads = true
    const led = await next.shards[0]?.lead()
    return led ?? err('no process')
  }

  #retire(previous: Generation, how: Retirement): void {
    this.#retiring.add(previous)
    previous.leads = false
    const [oldest] = this.#retiring
    if (this.#retiring.size > maxRetiring && oldest !== undefined) void stopAll(oldest, stopGraceMs)
    void Promise.all(previous.shards.map((shard) => shard.retire(how))).then(() => this.#retiring.delete(previous))
  }

  #fill(generation: Generation, count: number): void {
    for (let shard = 0; shard < count; shard++) {
      const place = { epoch: generation.epoch, shard, shards: count }
      generation.shards.push(new ProxyShard(this.#launch, place, this.#ownerOf(generation)))
    }
  }

  #ownerOf(generation: Generation): ShardOwner {
    return {
      descriptors: this.#descriptors,
      metricsBeside: (asking) => this.#metricsBeside(asking),
      onDrainAsked: (asked) => {
        for (const shard of this.#current.shards) if (shard !== asked) void shard.drain()
      },
      onLegacy: (snapshots) => {
        this.#legacy = [...this.#legacy, ...snapshots].slice(-maxLegacy)
        this.#bequeath()
      },
      onStarted: (shard) => void this.#onStarted(generation, shard),
      onLine: (line, stream) => this.#onLine(line, stream),
    }
  }

  /** A process was started: the first of a generation that leads leads; once all serve, what nobody uses is closed. */
  async #onStarted(generation: Generation, shard: ProxyShard): Promise<void> {
    const { printer, instance } = this.#launch
    if (generation.leads && shard.place.shard === 0) {
      const led = await shard.lead()
      if (!led.ok && shard.pid !== undefined && !this.#stopped) printer.problem(`proxy of ${instance}: ${led.error}`)
    }
    if (generation !== this.#current) return
    this.#bequeath()
    const pid = shard.pid
    while (!this.#stopped && pid !== undefined && shard.pid === pid && generation === this.#current) {
      if (await isLive(generation)) {
        if (this.#next === undefined) this.#descriptors.forgetAbandoned()
        return
      }
      await pause(drainLookMs)
    }
  }

  /** The leading process goes on counting where those that are gone have ended. */
  #bequeath(): void {
    if (this.#legacy.length === 0 || this.#current.shards[0]?.inherit(this.#legacy) !== true) return
    this.#legacy = []
  }

  async #metricsBeside(asking: ProxyShard): Promise<readonly MetricsSnapshot[]> {
    const generations = [this.#current, ...this.#retiring, ...(this.#next === undefined ? [] : [this.#next])]
    const others = generations.flatMap(({ shards }) => shards).filter((shard) => shard !== asking)
    const legacy = [...this.#legacy]
    return [...(await Promise.all(others.map((shard) => shard.metrics()))).flat(), ...legacy]
  }

  #onLine(line: string, stream: 'out' | 'err'): void {
    this.#lines = [...this.#lines, line].slice(-20)
    if (this.#stopped) return
    const { printer, label, accessLog } = this.#launch
    if (stream === 'err') printer.weft(label, line)
    else if (accessLog) printer.line(label, line)
  }
}

async function isLive({ shards }: Generation): Promise<boolean> {
  const states = await Promise.all(shards.map((shard) => shard.state()))
  return states.every((state) => state?.readiness === 'LIVE')
}

async function stopAll({ shards }: Generation, graceMs: number): Promise<void> {
  await Promise.all(shards.map((shard) => shard.stop(graceMs)))
}

function pidsOf({ shards }: Generation): number[] {
  return shards.flatMap(({ pid }) => (pid === undefined ? [] : [pid]))
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
