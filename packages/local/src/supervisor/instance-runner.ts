// The life of one instance: identity, proxy, application, traffic; and back.
import { err, type Result } from '@weft/core'
import type { MeshObject, WorkloadInstance, WorkloadSpec } from '@weft/resources'
import { type AppParts, AppRunner } from './app-runner.ts'
import { type ProxyParts, ProxyRunner } from './proxy-runner.ts'

/** Where an instance is in its life. */
export type InstanceState = 'starting' | 'running' | 'draining' | 'stopped' | 'failed'

/** What is told of an instance. */
export interface InstanceStatus {
  readonly name: string
  readonly namespace: string
  readonly state: InstanceState
  readonly proxyPid: number | undefined
  /** All processes of the proxy that serves. */
  readonly proxyPids: readonly number[]
  /** Processes of replaced generations that finish what they had begun. */
  readonly retiringProxyPids: readonly number[]
  /** How often the proxy was replaced while it served. */
  readonly proxyEpoch: number
  readonly appPid: number | undefined
  readonly proxyRestarts: number
  readonly appRestarts: number
  readonly problem: string | undefined
}

/** What changes of the registry entry the runner wants. */
export interface InstanceParts {
  readonly app: Omit<AppParts, 'onReady'>
  readonly proxy: ProxyParts
  readonly setReady: (ready: boolean) => void
}

const APP_GRACE_MS = 10_000
const PROXY_GRACE_MS = 10_000

/** One instance. Started once, drained or stopped once. */
export class InstanceRunner {
  readonly instance: WorkloadInstance
  readonly workload: MeshObject<WorkloadSpec>
  readonly #proxy: ProxyRunner | undefined
  readonly #app: AppRunner | undefined
  readonly #setReady: (ready: boolean) => void
  #state: InstanceState = 'starting'
  #problem: string | undefined

  constructor(instance: WorkloadInstance, workload: MeshObject<WorkloadSpec>, parts: InstanceParts) {
    this.instance = instance
    this.workload = workload
    this.#setReady = parts.setReady
    this.#proxy = instance.proxy === 'none' ? undefined : new ProxyRunner(instance, parts.proxy)
    const onReady = (ready: boolean): void => {
      if (this.alive) parts.setReady(ready)
    }
    this.#app =
      workload.spec.command === undefined
        ? undefined
        : new AppRunner(instance, workload.spec, { ...parts.app, onReady })
  }

  /** False once it failed to start or was ended. */
  get alive(): boolean {
    return this.#state === 'starting' || this.#state === 'running'
  }

  /** Nothing is started before what it stands on is there. */
  async start(): Promise<Result<undefined>> {
    const proxied = await this.#proxy?.start()
    if (proxied !== undefined && !proxied.ok) return this.#fail(proxied)
    if (this.#state !== 'starting') return err('stopped')
    const started = await this.#app?.start()
    if (started !== undefined && !started.ok) return this.#fail(started)
    if (this.#app === undefined) this.#setReady(true)
    if (this.#state === 'starting') this.#state = 'running'
    return { ok: true, value: undefined }
  }

  /** Proxy drained, then SIGTERM for the application, then for the proxy. Nobody is sent here any more by now. */
  async drain(drainMs: number): Promise<void> {
    this.#state = 'draining'
    await this.#proxy?.drain(drainMs)
    await this.#app?.stop(APP_GRACE_MS)
    await this.#proxy?.stop(PROXY_GRACE_MS)
    this.#state = 'stopped'
  }

  /** The whole mesh ends: no one is left to be considerate of. */
  async stop(graceMs: number): Promise<void> {
    const failed = this.#state === 'failed'
    this.#state = failed ? 'failed' : 'draining'
    await Promise.all([this.#app?.stop(graceMs), this.#proxy?.stop(graceMs)])
    if (!failed) this.#state = 'stopped'
  }

  status(): InstanceStatus {
    const processes = this.#proxy?.processes
    return {
      name: this.instance.name,
      namespace: this.instance.namespace,
      state: this.#state,
      proxyPid: processes?.pids[0],
      proxyPids: processes?.pids ?? [],
      retiringProxyPids: processes?.retiringPids ?? [],
      proxyEpoch: processes?.epoch ?? 0,
      appPid: this.#app?.pid,
      proxyRestarts: processes?.restarts ?? 0,
      appRestarts: this.#app?.restarts ?? 0,
      problem: this.#problem ?? this.#app?.problem ?? this.#proxy?.problem,
    }
  }

  #fail(result: { readonly ok: false; readonly error: string }): Result<undefined> {
    this.#state = 'failed'
    this.#problem = result.error
    return result
  }
}
