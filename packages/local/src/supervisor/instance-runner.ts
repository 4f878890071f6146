// The life of one instance: identity, proxy, application, traffic; and back.
import { err, type Result } from '@weft/core'
import { hasProxy, type MeshObject, type WorkloadInstance, type WorkloadSpec } from '@weft/resources'
import { type AppParts, AppRunner } from './app-runner.ts'
import { GrpcLibrary } from './grpc-library.ts'
import type { Replaced, Replacement } from './proxy-processes.ts'
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
  readonly proxyVersion: string
  readonly setReady: (ready: boolean) => void
}

const APP_GRACE_MS = 10_000
const PROXY_GRACE_MS = 10_000

/** An application that takes over from the one of an instance. */
export interface NextApp {
  /** With the address of the new application. */
  readonly instance: WorkloadInstance
  readonly workload: MeshObject<WorkloadSpec>
  readonly services: AppParts['services']
}

/** One instance. Started once, drained or stopped once; its application and its proxy may be replaced in between. */
export class InstanceRunner {
  /** What the proxy was started as; see `proxyVersion`. */
  proxyVersion: string
  readonly #proxy: ProxyRunner | undefined
  /** In place of a proxy. */
  readonly #library: GrpcLibrary | undefined
  readonly #appParts: Omit<AppParts, 'onReady'>
  #instance: WorkloadInstance
  #workload: MeshObject<WorkloadSpec>
  #app: AppRunner | undefined
  /** Started beside `#app`, not ready yet. */
  #nextApp: AppRunner | undefined
  readonly #setReady: (ready: boolean) => void
  #state: InstanceState = 'starting'
  #problem: string | undefined

  constructor(instance: WorkloadInstance, workload: MeshObject<WorkloadSpec>, parts: InstanceParts) {
    this.#instance = instance
    this.#workload = workload
    this.#appParts = parts.app
    this.proxyVersion = parts.proxyVersion
    this.#setReady = parts.setReady
    this.#proxy = hasProxy(instance) ? new ProxyRunner(instance, parts.proxy) : undefined
    this.#library = instance.proxy === 'grpc' ? new GrpcLibrary(instance, parts.proxy) : undefined
    if (workload.spec.command !== undefined)
      this.#app = this.#makeApp({ instance, workload, services: parts.app.services })
  }

  get instance(): WorkloadInstance {
    return this.#instance
  }

  /** As it was when the application was started. */
  get workload(): MeshObject<WorkloadSpec> {
    return this.#workload
  }

  /** False once it failed to start or was ended. */
  get alive(): boolean {
    return this.#state === 'starting' || this.#state === 'running'
  }

  /** Nothing is started before what it stands on is there. */
  async start(): Promise<Result<undefined>> {
    const proxied = await (this.#proxy ?? this.#library)?.start()
    if (proxied !== undefined && !proxied.ok) return this.#fail(proxied)
    if (this.#state !== 'starting') return err('stopped')
    const started = await this.#app?.start()
    if (started !== undefined && !started.ok) return this.#fail(started)
    if (this.#app === undefined) this.#setReady(true)
    if (this.#state === 'starting') this.#state = 'running'
    return { ok: true, value: undefined }
  }

  /**
   * Starts another application beside the one that runs; once it is ready it is this instance's application and the old one
   * is the caller's to end. On an error nothing has changed.
   */
  async startBeside(next: NextApp): Promise<Result<AppRunner>> {
    const before = this.#app
    if (before === undefined || this.#state !== 'running') return err(`${this.#instance.name} is not running`)
    if (this.#nextApp !== undefined) return err(`${this.#instance.name} is being replaced already`)
    const app = this.#makeApp(next)
    this.#nextApp = app
    const started = await app.start()
    this.#nextApp = undefined
    if (!started.ok || this.#app !== before || this.#state !== 'running') {
      await app.stop(APP_GRACE_MS)
      return started.ok ? err(`${this.#instance.name} was stopped`) : started
    }
    this.#app = app
    this.#instance = next.instance
    this.#workload = next.workload
    return { ok: true, value: before }
  }

  /** Replaces the proxy's processes without losing a connection. */
  async replaceProxy(how: Replacement): Promise<Result<Replaced>> {
    if (this.#proxy === undefined) return err('it has no proxy')
    if (this.#state !== 'running') return err(`it is ${this.#state}`)
    return this.#proxy.replace(how)
  }

  /** Proxy drained, then SIGTERM for the application, then for the proxy. Nobody is sent here any more by now. */
  async drain(drainMs: number): Promise<void> {
    this.#state = 'draining'
    await this.#proxy?.drain(drainMs)
    await this.#app?.stop(APP_GRACE_MS)
    await this.#proxy?.stop(PROXY_GRACE_MS)
    this.#library?.stop()
    this.#state = 'stopped'
  }

  /** The whole mesh ends: no one is left to be considerate of. */
  async stop(graceMs: number): Promise<void> {
    const failed = this.#state === 'failed'
    this.#state = failed ? 'failed' : 'draining'
    await Promise.all([this.#app?.stop(graceMs), this.#nextApp?.stop(graceMs), this.#proxy?.stop(graceMs)])
    this.#library?.stop()
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

  #makeApp({ instance, workload, services }: NextApp): AppRunner {
    const app: AppRunner = new AppRunner(instance, workload.spec, {
      ...this.#appParts,
      env: { ...this.#appParts.env, ...this.#library?.environment },
      services,
      // One that only prepares to take over, or has been taken over from, says nothing of the instance.
      onReady: (ready) => {
        if (this.alive && this.#app === app) this.#setReady(ready)
      },
    })
    return app
  }

  #fail(result: { readonly ok: false; readonly error: string }): Result<undefined> {
    this.#state = 'failed'
    this.#problem = result.error
    return result
  }
}
