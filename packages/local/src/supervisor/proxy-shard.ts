// One process of Weft's proxy, kept alive, and the channel to it. A process that dies is replaced by one that gets the same descriptors
// and goes on counting where the dead one was last seen.
import {
  type Answering,
  type Counted,
  err,
  type MetricsSnapshot,
  ProcessChannel,
  type ProxyQuestions,
  type ProxyReadiness,
  type Result,
  type Retirement,
  type SupervisorQuestions,
} from '@weft/core'
import { nodeRuntime } from '@weft/core/node'
import { entryOf } from '../process/entries.ts'
import { describeExit, ManagedProcess, restartDelayMs } from '../process/managed-process.ts'
import type { ListeningDescriptors } from './listening-descriptors.ts'
import type { ProxyLaunch } from './proxy-processes.ts'

/** Which of a proxy's processes one is. */
export interface ShardPlace {
  readonly epoch: number
  readonly shard: number
  /** How many there are of this epoch. */
  readonly shards: number
}

/** What a shard needs of the proxy it is a part of. */
export interface ShardOwner {
  readonly descriptors: ListeningDescriptors
  /** Metrics of all other processes; `own` are those of the process that asks. */
  metricsBeside(shard: ProxyShard): Promise<readonly MetricsSnapshot[]>
  /** Somebody asked the leading process to drain. */
  onDrainAsked(shard: ProxyShard): void
  /** What a process had counted that is gone. */
  onLegacy(snapshots: readonly MetricsSnapshot[]): void
  /** A new process was started in the place of this shard. */
  onStarted(shard: ProxyShard): void
  onLine(line: string, stream: 'out' | 'err'): void
}

type Channel = ProcessChannel<SupervisorQuestions, ProxyQuestions>

const askTimeoutMs = 2_000
const metricsTimeoutMs = 1_000
const retireTimeoutMs = 10_000
const { timers } = nodeRuntime()

/** One process of a proxy. */
export class ProxyShard {
  readonly place: ShardPlace
  readonly #owner: ShardOwner
  readonly #process: ManagedProcess
  #channel: Channel | undefined
  /** Stands for the living process among the users of descriptors. */
  #user: object = {}
  #lastSeen: MetricsSnapshot | undefined
  /** What it was given to inherit and has not shown since; before these it has shown `#shown`. */
  readonly #given: MetricsSnapshot[] = []
  #shown = 0
  #lastWords: readonly MetricsSnapshot[] = []
  #problem: string | undefined
  #retiring = false
  #ended = Promise.withResolvers<void>()

  constructor(launch: ProxyLaunch, place: ShardPlace, owner: ShardOwner) {
    this.place = place
    this.#owner = owner
    const { command, args, env } = entryOf('proxy')
    const own = ['--bootstrap', launch.bootstrapFile, '--shard', String(place.shard), '--epoch', String(place.epoch)]
    this.#process = new ManagedProcess(
      {
        label: launch.label,
        command,
        args: [...args, ...own],
        cwd: launch.cwd,
        env: { ...launch.env, ...env },
      },
      {
        onLine: (line, stream) => owner.onLine(line, stream),
        onStart: (_pid, send) => {
          this.#channel = new ProcessChannel<SupervisorQuestions, ProxyQuestions>(send, timers, this.#answering())
          // After the constructor, which this is called in the first time.
          queueMicrotask(() => owner.onStarted(this))
        },
        onMessage: (message, handle) => this.#channel?.receive(message, handle),
        onExit: (exit, failures) => {
          this.#onGone()
          if (this.#retiring) {
            this.#ended.resolve()
            return undefined
          }
          this.#problem = describeExit(exit)
          launch.printer.problem(`proxy of ${launch.instance} ${this.#problem}; it is started again`)
          return restartDelayMs(exit, failures)
        },
      },
      launch.watchdog,
    )
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  get restarts(): number {
    return this.#process.restarts
  }

  get problem(): string | undefined {
    return this.#problem
  }

  /** How it is; undefined when it does not say. */
  async state(): Promise<{ readonly readiness: ProxyReadiness; readonly connections: number } | undefined> {
    const asked = await this.#ask('state', null, askTimeoutMs)
    if (!asked.ok) return undefined
    if (asked.value.readiness === 'LIVE') this.#problem = undefined
    return asked.value
  }

  /** Makes it the one that speaks for the proxy. */
  async lead(): Promise<Result<undefined>> {
    const asked = await this.#ask('lead', null, 3 * askTimeoutMs)
    if (!asked.ok) return asked
    return asked.value.error === undefined ? { ok: true, value: undefined } : err(asked.value.error)
  }

  /** Gives it counters of processes that are gone; false when there is no process to give them to. */
  inherit(snapshots: readonly MetricsSnapshot[]): boolean {
    if (this.#channel === undefined) return false
    this.#given.push(...snapshots)
    void this.#ask('inherit', snapshots, askTimeoutMs)
    return true
  }

  /** What it has counted; what was seen last when it does not answer. */
  async metrics(): Promise<readonly MetricsSnapshot[]> {
    const user = this.#user
    const asked = await this.#ask('metrics', null, metricsTimeoutMs)
    // It died over the question. Whoever inherits is not asked again in this round.
    if (user !== this.#user) return this.#lastWords
    if (asked.ok) this.#see(asked.value)
    return this.#counted()
  }

  /** Starts a drain; the connections still open, none when it does not answer. */
  async drain(): Promise<number> {
    const asked = await this.#ask('drain', null, askTimeoutMs)
    return asked.ok ? asked.value.connections : 0
  }

  /** Lets it finish what it has; resolves when it is gone. */
  async retire(how: Retirement): Promise<void> {
    this.#retiring = true
    this.#owner.descriptors.abandon(this.#user)
    const asked = await this.#ask('retire', how, retireTimeoutMs)
    if (!asked.ok || this.pid === undefined) return this.stop(askTimeoutMs)
    const late = timers.set(how.drainMs + retireTimeoutMs, () => void this.stop(askTimeoutMs))
    await this.#ended.promise
    late.cancel()
  }

  async stop(graceMs: number): Promise<void> {
    this.#retiring = true
    await this.#process.stop(graceMs)
    this.#onGone()
    this.#ended.resolve()
  }

  async #ask<Name extends keyof SupervisorQuestions & string>(
    name: Name,
    question: SupervisorQuestions[Name][0],
    timeoutMs: number,
  ): Promise<Result<SupervisorQuestions[Name][1]>> {
    const asked = await this.#channel?.ask(name, question, timeoutMs)
    if (asked === undefined) return err('no process')
    return asked.ok ? { ok: true, value: asked.value.value } : asked
  }

  #answering(): Answering<ProxyQuestions> {
    const { descriptors } = this.#owner
    return {
      listen: ({ host, port, index }) => {
        if (this.#retiring) return { value: { error: 'this process is on its way out' } }
        const { shard, shards } = this.place
        const acquired = descriptors.acquire(this.#user, { host, port }, { shard, shards, index })
        if (!acquired.ok) return { value: { error: acquired.error } }
        return { value: { more: acquired.value.more }, handle: acquired.value.handle }
      },
      release: ({ host, port }) => {
        descriptors.release(this.#user, host, port)
        return { value: null }
      },
      metrics: async (own) => {
        this.#see(own)
        // What it was given but had not taken in yet would be missing in its own.
        const given = [...this.#given]
        return { value: [...given, ...(await this.#owner.metricsBeside(this))] }
      },
      drain: () => {
        this.#owner.onDrainAsked(this)
        return { value: null }
      },
      farewell: (last) => {
        this.#see(last)
        return { value: null }
      },
    }
  }

  #see({ snapshot, inherited }: Counted): void {
    this.#lastSeen = snapshot
    this.#given.splice(0, inherited - this.#shown)
    this.#shown = inherited
  }

  /** The process is gone: what it held and counted passes on. */
  #onGone(): void {
    this.#channel?.close()
    this.#channel = undefined
    this.#owner.descriptors.abandon(this.#user)
    this.#user = {}
    // What it had open is open no more; what it counted stays counted.
    this.#lastWords = this.#counted().map((snapshot) => snapshot.filter(({ kind }) => kind !== 'gauge'))
    this.#lastSeen = undefined
    this.#given.splice(0)
    this.#shown = 0
    if (this.#lastWords.length > 0) this.#owner.onLegacy(this.#lastWords)
  }

  #counted(): readonly MetricsSnapshot[] {
    return [...(this.#lastSeen === undefined ? [] : [this.#lastSeen]), ...this.#given]
  }
}
