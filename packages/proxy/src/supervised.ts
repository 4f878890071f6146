// A proxy under a supervisor: one of several processes (shards, generations) that are one proxy to everybody else.
import {
  type Answering,
  type Counted,
  type MetricsSnapshot,
  type Post,
  ProcessChannel,
  type ProxyQuestions,
  type Retirement,
  type Runtime,
  type SupervisorQuestions,
} from '@weft/core'
import type { PeerProcesses, Proxy } from './proxy.ts'

const metricsTimeoutMs = 2_000
const farewellTimeoutMs = 2_000

/** The part of a proxy that its supervisor deals with. */
export type SupervisedProxy = Pick<Proxy, 'metrics' | 'readiness' | 'connectionCount' | 'lead' | 'drain' | 'retire'>

/** What runs in this process, once it runs. */
export interface Supervised {
  readonly proxy: SupervisedProxy
  /** The process has nothing left to do. */
  onRetired(): void
}

/** The proxy's end of the channel to its supervisor. */
export class SupervisorLink implements PeerProcesses {
  readonly channel: ProcessChannel<ProxyQuestions, SupervisorQuestions>
  readonly #supervised: Promise<Supervised>
  #inherited = 0

  /** Questions are answered once `supervised` is there. */
  constructor(post: Post, timers: Runtime['timers'], supervised: Promise<Supervised>) {
    this.channel = new ProcessChannel<ProxyQuestions, SupervisorQuestions>(post, timers, this.#answering())
    this.#supervised = supervised
  }

  async metrics(own: MetricsSnapshot): Promise<readonly MetricsSnapshot[]> {
    const counted = { snapshot: own, inherited: this.#inherited }
    const asked = await this.channel.ask('metrics', counted, metricsTimeoutMs)
    return asked.ok ? asked.value.value : []
  }

  drain(): void {
    void this.channel.ask('drain', null, metricsTimeoutMs)
  }

  #answering(): Answering<SupervisorQuestions> {
    const proxy = async (): Promise<SupervisedProxy> => (await this.#supervised).proxy
    return {
      state: async () => {
        const ready = await proxy()
        return { value: { readiness: ready.readiness(), connections: ready.connectionCount() } }
      },
      lead: async () => {
        const opened = await (await proxy()).lead()
        return { value: opened.ok ? {} : { error: opened.error } }
      },
      inherit: async (snapshots) => {
        const { metrics } = await proxy()
        for (const snapshot of snapshots) metrics.absorb(snapshot, { gauges: false })
        this.#inherited += snapshots.length
        return { value: null }
      },
      metrics: async () => ({ value: this.#count(await proxy()) }),
      drain: async () => {
        const draining = await proxy()
        void draining.drain()
        return { value: { connections: draining.connectionCount() } }
      },
      retire: async (how) => {
        // Answered at once: what is left to finish may take minutes.
        void this.#retire(await this.#supervised, how)
        return { value: null }
      },
    }
  }

  #count({ metrics }: SupervisedProxy): Counted {
    return { snapshot: metrics.snapshot(), inherited: this.#inherited }
  }

  async #retire({ proxy, onRetired }: Supervised, how: Retirement): Promise<void> {
    await proxy.retire(how)
    await this.channel.ask('farewell', this.#count(proxy), farewellTimeoutMs)
    onRetired()
  }
}
