// All instances of a mesh: brought from what runs to what the configuration wants, and back to nothing.
import { join } from 'node:path'
import { err, ok, type Result } from '@weft/core'
import { workloadId } from '@weft/identity'
import {
  formatProblem,
  hasProxy,
  type MeshObject,
  planInstances,
  unplacedInstances,
  type WorkloadInstance,
  type WorkloadSpec,
} from '@weft/resources'
import type { HostAgent } from '../agent/host-agent.ts'
import type { LogPrinter } from '../process/log-printer.ts'
import type { StatePaths } from '../state-paths.ts'
import type { Watchdog } from '../watchdog/watchdog.ts'
import type { AddressBlock } from './address-block.ts'
import { handOver, onlyTheApplication } from './app-handover.ts'
import { awaitAcks, type SeenInstance } from './await-acks.ts'
import type { ControlProcess } from './control-process.ts'
import type { BootstrapChanges } from './patched-bootstrap.ts'
import { InstanceRunner, type InstanceStatus } from './instance-runner.ts'
import type { MeshView } from './mesh-source.ts'
import type { Replaced } from './proxy-processes.ts'
import { proxyStart, type ProxyStart } from './proxy-version.ts'
import { instanceKey, type Registry } from './registry.ts'
import { spoiltAccount } from './sabotage.ts'
import type { UpSettings } from './settings.ts'

/** What the fleet works with. */
export interface FleetParts {
  readonly paths: StatePaths
  readonly settings: UpSettings
  readonly agent: HostAgent
  readonly control: ControlProcess
  readonly registry: Registry
  readonly watchdog: Watchdog
  readonly printer: LogPrinter
  readonly runtimeDir: string
  readonly block: AddressBlock
}

/** What became of one proxy that was to be restarted. */
export interface RestartedProxy {
  readonly instance: string
  readonly namespace: string
  readonly outcome: Result<Replaced>
}

/** Connections of a replaced proxy may take this long to finish, unless the user says otherwise. */
const PROXY_DRAIN_MS = 60_000

/** A proxy connects again within some 5 s of a restart of the control plane; one that does not is not waited for longer. */
const ACK_TIMEOUT_MS = 15_000
const DRAIN_MS = 10_000
const PROXY_GRACE_MS = 2_000
const FIRST_RETRY_MS = 1_000
const MAX_RETRY_MS = 30_000

/** The running instances. */
export class Fleet {
  readonly #parts: FleetParts
  readonly #runners = new Map<string, InstanceRunner>()
  readonly #retries = new Set<NodeJS.Timeout>()
  #view: MeshView | undefined
  #sockets = 0
  #stopping = false

  constructor(parts: FleetParts) {
    this.#parts = parts
  }

  /** Starts all instances of the registry side by side; the error names the first that would not start. */
  async start(view: MeshView): Promise<Result<undefined>> {
    this.#view = view
    const results = this.#parts.registry.instances.map(async (instance) => {
      const runner = this.#runnerOf(instance, view)
      return runner === undefined ? ok(undefined) : runner.start()
    })
    // The first failure ends the waiting: the caller stops everything.
    return Promise.race([
      Promise.all(results).then((all) => all.find((result) => !result.ok) ?? ok(undefined)),
      ...results.map(async (pending) => {
        const result = await pending
        return result.ok ? new Promise<never>(() => {}) : result
      }),
    ])
  }

  /** Waits until every proxy knows of every endpoint; the problem in words when that takes too long. */
  async untilKnown(timeoutMs: number): Promise<string | undefined> {
    const { control, registry } = this.#parts
    const ready = new Set(registry.instances.filter((instance) => instance.ready).map(instanceKey))
    const allSeen = (seen: readonly SeenInstance[]): boolean =>
      seen.filter((instance) => instance.ready && ready.has(instanceKey(instance))).length === ready.size
    const missing = await awaitAcks(control, { noticed: allSeen, serves: this.#serves }, timeoutMs)
    return missing === undefined ? undefined : `not every proxy knows all endpoints: ${missing}; see weft status`
  }

  /** Follows a change of the configuration: more or fewer replicas, changed commands. One change at a time. */
  async apply(view: MeshView): Promise<void> {
    const { registry } = this.#parts
    this.#view = view
    const planned = planInstances(view.workloads, view.services, registry.instances, {
      ...this.#parts.block,
      onUnplaced: (workload, count) => this.#parts.printer.problem(formatProblem(unplacedInstances(workload, count))),
    })
    const wanted = new Set(planned.map(instanceKey))
    const leaving = registry.instances.filter((instance) => !wanted.has(instanceKey(instance)))
    // Those who leave stay listed, draining, until they are gone.
    await registry.set([...planned, ...leaving.map((instance) => ({ ...instance, draining: true }))])
    const arriving = planned.filter((instance) => !this.#runners.has(instanceKey(instance)))
    const changed = planned.filter((instance) => this.#mustRestart(instance, view))
    await Promise.all([
      ...arriving.map((instance) => this.#begin(instance, view)),
      leaving.length === 0 ? undefined : this.#leave(leaving),
      this.#restartOneByOne(changed, view),
    ])
    await this.#renewProxies(view)
  }

  /**
   * Replaces the proxies of a workload (`web`, `shop/web`) or of one instance (`web-0`), one after the other, without losing a
   * connection. Empty when nothing has that name.
   */
  async restartProxies(name: string, drainMs = PROXY_DRAIN_MS): Promise<readonly RestartedProxy[]> {
    const restarted: RestartedProxy[] = []
    for (const runner of [...this.#runners.values()]) {
      const { instance } = runner
      const names = [instance.workload, instance.name].flatMap((own) => [own, `${instance.namespace}/${own}`])
      if (!names.includes(name) || !hasProxy(instance)) continue
      const { name: of, namespace } = instance
      restarted.push({ instance: of, namespace, outcome: await this.#replaceProxy(runner, drainMs) })
    }
    return restarted
  }

  status(): readonly InstanceStatus[] {
    return [...this.#runners.values()].map((runner) => runner.status())
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    for (const timer of this.#retries) clearTimeout(timer)
    await Promise.all([...this.#runners.values()].map((runner) => runner.stop(graceMs)))
  }

  async #begin(instance: WorkloadInstance, view: MeshView, failures = 0): Promise<void> {
    const runner = this.#runnerOf(instance, view)
    if (runner === undefined) return
    const { printer } = this.#parts
    printer.say(`starting ${instance.name} (${instance.address})`)
    const result = await runner.start()
    if (result.ok || this.#stopping) return
    const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failures)
    printer.problem(`${result.error}\n  nothing else is affected; it is tried again in ${delayMs / 1000} s`)
    await runner.stop(PROXY_GRACE_MS)
    this.#later(delayMs, () => this.#again(runner, failures + 1))
  }

  /** Another try, unless the configuration has moved on. */
  #again(failed: InstanceRunner, failures: number): void {
    const key = instanceKey(failed.instance)
    const instance = this.#parts.registry.instances.find((one) => instanceKey(one) === key)
    if (this.#runners.get(key) !== failed || instance === undefined || instance.draining || this.#view === undefined)
      return
    this.#runners.delete(key)
    void this.#begin(instance, this.#view, failures)
  }

  async #leave(instances: readonly WorkloadInstance[]): Promise<void> {
    const { registry, printer } = this.#parts
    for (const { name } of instances) printer.say(`draining ${name}`)
    await this.#untilNobodyIsSentTo(instances)
    await Promise.all(instances.map(async (instance) => this.#runners.get(instanceKey(instance))?.drain(DRAIN_MS)))
    const gone = new Set(instances.map(instanceKey))
    for (const key of gone) this.#runners.delete(key)
    await registry.set(registry.instances.filter((instance) => !gone.has(instanceKey(instance))))
    for (const { name } of instances) printer.say(`stopped ${name}`)
  }

  async #restartOneByOne(instances: readonly WorkloadInstance[], view: MeshView): Promise<void> {
    for (const instance of instances) {
      if (this.#stopping) return
      if (await this.#handOver(instance, view)) continue
      const key = instanceKey(instance)
      this.#parts.printer.say(`restarting ${instance.name}: its Workload has changed`)
      await this.#parts.registry.patch(key, { draining: true })
      await this.#untilNobodyIsSentTo([instance])
      await this.#runners.get(key)?.drain(DRAIN_MS)
      this.#runners.delete(key)
      await this.#parts.registry.patch(key, { draining: false, ready: false })
      const now = this.#parts.registry.instances.find((one) => instanceKey(one) === key)
      if (now !== undefined) await this.#begin(now, view)
    }
  }

  /** A handover, where the change allows one; false: the instance has to be restarted in its place. */
  async #handOver(instance: WorkloadInstance, view: MeshView, failures = 0): Promise<boolean> {
    const key = instanceKey(instance)
    const runner = this.#runners.get(key)
    const workload = workloadOf(instance, view)
    if (runner === undefined || workload === undefined || !runner.alive) return false
    if (!onlyTheApplication(runner.workload, workload)) return false
    const { control, registry, printer } = this.#parts
    const next = { instance, workload, services: view.services }
    const done = await handOver(runner, next, { control, registry, printer, drainMs: DRAIN_MS })
    if (done.ok || this.#stopping) return !done.ok || done.value
    const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failures)
    printer.problem(`${done.error}\n  the one that ran goes on serving; it is tried again in ${delayMs / 1000} s`)
    this.#later(delayMs, () => {
      const now = registry.instances.find((one) => instanceKey(one) === key)
      if (this.#view !== view || now === undefined || this.#runners.get(key) !== runner) return
      if (this.#mustRestart(now, view)) void this.#handOver(now, view, failures + 1)
    })
    return true
  }

  /** Proxies whose program, flags, variables or number of processes have changed. */
  async #renewProxies(view: MeshView): Promise<void> {
    const { printer, settings } = this.#parts
    for (const runner of [...this.#runners.values()]) {
      const workload = workloadOf(runner.instance, view)
      if (workload === undefined || !hasProxy(runner.instance) || runner.status().state !== 'running') continue
      const start = proxyStart(workload, view.proxyConfigs, settings.proxyKind)
      if (runner.proxyVersion === start.version) continue
      const { name } = runner.instance
      printer.say(`restarting the proxy of ${name}: its program, its variables or its number of processes have changed`)
      const done = await this.#replaceProxy(runner, PROXY_DRAIN_MS, start)
      if (!done.ok) printer.problem(`the proxy of ${name} was not restarted, the old one serves on: ${done.error}`)
    }
  }

  async #replaceProxy(
    runner: InstanceRunner,
    drainMs: number,
    start = this.#startOf(runner),
  ): Promise<Result<Replaced>> {
    const { shards, environment, version } = start
    const env = { ...this.#parts.settings.env, ...environment }
    const done = await runner.replaceProxy({ shards, env, drainMs })
    if (done.ok) runner.proxyVersion = version
    return done
  }

  /** What its proxy is to be started with. */
  #startOf({ instance, workload }: InstanceRunner): ProxyStart {
    const now = workloadOf(instance, this.#view) ?? workload
    return proxyStart(now, this.#view?.proxyConfigs ?? [], this.#parts.settings.proxyKind)
  }

  #later(delayMs: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#retries.delete(timer)
      act()
    }, delayMs)
    this.#retries.add(timer)
  }

  async #untilNobodyIsSentTo(instances: readonly WorkloadInstance[]): Promise<void> {
    const keys = new Set(instances.map(instanceKey))
    const missing = await awaitAcks(
      this.#parts.control,
      {
        noticed: (seen) => seen.every((instance) => instance.draining || !keys.has(instanceKey(instance))),
        serves: this.#serves,
      },
      ACK_TIMEOUT_MS,
    )
    if (missing !== undefined) this.#parts.printer.problem(`the drain goes on all the same: ${missing}`)
  }

  readonly #serves = (key: string): boolean => this.#runners.get(key)?.status().state === 'running'

  #mustRestart(instance: WorkloadInstance, view: MeshView): boolean {
    const runner = this.#runners.get(instanceKey(instance))
    const workload = workloadOf(instance, view)
    if (runner === undefined || workload === undefined) return false
    if (!runner.alive) return runner.workload.hash !== workload.hash
    return startRelevant(runner.workload, runner.instance) !== startRelevant(workload, instance)
  }

  #runnerOf(instance: WorkloadInstance, view: MeshView): InstanceRunner | undefined {
    const workload = workloadOf(instance, view)
    if (workload === undefined || this.#stopping) return undefined
    const { paths, settings, agent, control, registry, watchdog, printer, runtimeDir } = this.#parts
    const key = instanceKey(instance)
    const idOf = (serviceAccount: string): string =>
      workloadId({ namespace: instance.namespace, serviceAccount }, settings.trustDomain)
    const spoilt = spoiltAccount(instance, settings.sabotage)
    const start = proxyStart(workload, view.proxyConfigs, settings.proxyKind)
    this.#sockets += 1
    const runner = new InstanceRunner(instance, workload, {
      app: { watchdog, printer, root: paths.root, env: settings.env, services: view.services },
      proxy: {
        agent,
        watchdog,
        printer,
        settings: {
          kind: settings.proxyKind,
          trustDomain: settings.trustDomain,
          xds: control.bound?.xds ?? { host: '127.0.0.1', port: settings.ports.xds },
          drainMs: DRAIN_MS,
          accessLog: settings.accessLog,
          dnsServers: settings.dnsServers,
        },
        shards: start.shards,
        stateDir: paths.state,
        env: { ...settings.env, ...start.environment },
        sdsPath: join(runtimeDir, `s${this.#sockets}.sock`),
        identity: idOf(instance.serviceAccount),
        laterIdentity: spoilt === undefined ? undefined : idOf(spoilt),
        cwd: paths.root,
        bootstrapChanges: async () => {
          const id = `${instance.name}.${instance.namespace}`
          return (await control.ask(`/v1/proxies/${id}/bootstrap`)) as BootstrapChanges | undefined
        },
      },
      proxyVersion: start.version,
      setReady: (ready) => void registry.patch(key, { ready }),
    })
    this.#runners.set(key, runner)
    return runner
  }
}

function workloadOf(instance: WorkloadInstance, view: MeshView | undefined): MeshObject<WorkloadSpec> | undefined {
  return view?.workloads.find(({ id }) => id.namespace === instance.namespace && id.name === instance.workload)
}

// What a process was started with; labels, replicas and processes of the proxy change without touching it.
function startRelevant(workload: MeshObject<WorkloadSpec>, instance: WorkloadInstance): string {
  const { replicas: _replicas, concurrency: _concurrency, ...spec } = workload.spec
  const { address, listenAddress, appAddress, outboundTcp, outboundUdp } = instance
  return JSON.stringify([spec, address, listenAddress, appAddress, outboundTcp, outboundUdp])
}

/** Instances for a fresh start: addresses of an earlier run are kept, its states are not. */
export function freshInstances(
  view: MeshView,
  previous: readonly WorkloadInstance[],
  block: AddressBlock,
): Result<WorkloadInstance[]> {
  const kept = previous.filter((instance) => block.holds(instance))
  const unplaced: string[] = []
  const planned = planInstances(view.workloads, view.services, kept, {
    ...block,
    onUnplaced: (workload, count) => unplaced.push(formatProblem(unplacedInstances(workload, count))),
  })
  if (unplaced.length > 0) return err(unplaced.join('\n'))
  return ok(planned.map((instance) => ({ ...instance, ready: false, draining: false })))
}
