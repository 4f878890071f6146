// `weft up`: everything of one mesh, started in order, kept running, ended without a trace.
import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { err, ok, type Result } from '@weft/core'
import { type InstanceRegistry, unaddressedServices, type WorkloadInstance } from '@weft/resources'
import { HostAgent } from '../agent/host-agent.ts'
import { entryOf } from '../process/entries.ts'
import { type LogPrinter, printerLogger } from '../process/log-printer.ts'
import { takeLock } from '../state-lock.ts'
import { makeRuntimeDir, makeStateFolders, type StatePaths, statePaths } from '../state-paths.ts'
import { startWatchdog } from '../watchdog/watchdog.ts'
import { type AddressBlock, reserveAddressBlock } from './address-block.ts'
import { type ConfigPlace, ControlProcess } from './control-process.ts'
import { Fleet, freshInstances } from './fleet.ts'
import { gatewayUrls } from './gateway-urls.ts'
import type { InstanceStatus } from './instance-runner.ts'
import { type LocalStatus, startLocalApi } from './local-api.ts'
import { type MeshReading, type MeshSource, type MeshView, openMeshSource } from './mesh-source.ts'
import { commandProblems, isOnPath, portProblems } from './preflight.ts'
import { list, readingTeller } from './reading-teller.ts'
import { Registry } from './registry.ts'
import { spoilConfig } from './sabotage.ts'
import type { UpSettings } from './settings.ts'

/** A mesh that serves. */
export interface RunningMesh {
  readonly paths: StatePaths
  /** Addresses of the gateways, for a browser. */
  readonly urls: readonly string[]
  instances(): readonly WorkloadInstance[]
  status(): readonly InstanceStatus[]
  stop(): Promise<void>
}

const STOP_GRACE_MS = 5_000
const KNOWN_TIMEOUT_MS = 10_000
const API_SOCKET = 'api.sock'
const PROXY_NAMES = { weft: 'proxies', envoy: 'Envoys' } as const

/** Things to undo, last first. */
class Undo {
  readonly #steps: (() => void | Promise<void>)[] = []
  #running: Promise<void> | undefined

  /** What is pushed after the end has begun is undone at once: an interrupted start may still be on its way. */
  push(step: () => void | Promise<void>): void {
    if (this.#running === undefined) this.#steps.push(step)
    else this.#running = this.#running.then(step).catch(() => {})
  }

  run(): Promise<void> {
    this.#running ??= this.#unwind()
    return this.#running
  }

  async #unwind(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step()
      } catch {
        // The rest must be undone all the same.
      }
    }
  }
}

/** Starts everything `settings.dir` describes. On an error nothing is left running; the error is for people. */
export async function startMesh(
  settings: UpSettings,
  printer: LogPrinter,
  signal: AbortSignal,
): Promise<Result<RunningMesh>> {
  const undo = new Undo()
  const aborted = new Promise<Result<never>>((resolve) => {
    signal.addEventListener('abort', () => resolve(err('interrupted')), { once: true })
  })
  const started = await Promise.race([start(settings, printer, undo), aborted]).catch((error: Error) =>
    err(error.message),
  )
  if (!started.ok) await undo.run()
  return started
}

async function start(settings: UpSettings, printer: LogPrinter, undo: Undo): Promise<Result<RunningMesh>> {
  const paths = statePaths(settings.dir)
  const folders = makeStateFolders(paths)
  if (!folders.ok) return folders
  const lock = takeLock(paths.lockFile)
  if (!lock.ok) return lock
  undo.push(lock.value.release)
  const config = spoilConfig(paths, settings.sabotage)
  const opened = await openMeshSource(config, paths, settings.proxyKind)
  if (!opened.ok) return opened
  const source = opened.value
  undo.push(() => source.close())
  const { view } = source.first
  const block = await reserveAddressBlock(previousInstances(paths))
  if (!block.ok) return block
  undo.push(() => block.value.release())
  const instances = await judge(source.first, paths, settings, block.value)
  if (!instances.ok) return instances
  const runtimeDir = makeRuntimeDir(settings.env['XDG_RUNTIME_DIR'])
  if (!runtimeDir.ok) return runtimeDir
  undo.push(() => rmSync(runtimeDir.value, { recursive: true, force: true }))
  const registry = new Registry(paths.registryFile, instances.value, printer.problem)
  const unwritten = await registry.create()
  if (unwritten !== undefined) return err(`cannot write ${paths.registryFile}: ${unwritten}`)

  const base = { paths, settings, registry, printer, runtimeDir: runtimeDir.value, block: block.value }
  const machinery = await startMachinery(base, { dir: config, filesIn: source.filesIn }, undo)
  if (!machinery.ok) return machinery
  const { agent, fleet } = machinery.value
  printer.say(`starting ${instances.value.length} workloads and their ${PROXY_NAMES[settings.proxyKind]}`)
  const served = await fleet.start(view)
  if (!served.ok) return served
  const unknown = await fleet.untilKnown(KNOWN_TIMEOUT_MS)
  if (unknown !== undefined) printer.problem(unknown)
  const urls = gatewayUrls(registry.instances, view)
  announce(base, urls, undo)
  follow({ source, settings, printer, registry, fleet, agent, undo })
  return ok({
    paths,
    urls,
    instances: () => registry.instances,
    status: () => fleet.status(),
    stop: () => undo.run(),
  })
}

/** Tells other commands (`weft status`) where this mesh is to be asked. */
function announce({ paths, settings, runtimeDir }: MachineryParts, gatewayUrls: readonly string[], undo: Undo): void {
  const about = { pid: process.pid, startedAtMs: Date.now(), proxyKind: settings.proxyKind, gatewayUrls }
  const socket = join(runtimeDir, API_SOCKET)
  writeFileSync(paths.supervisorFile, JSON.stringify({ ...about, socket }), { mode: 0o600 })
  undo.push(() => rmSync(paths.supervisorFile, { force: true }))
}

interface MachineryParts {
  readonly paths: StatePaths
  readonly settings: UpSettings
  readonly registry: Registry
  readonly printer: LogPrinter
  readonly runtimeDir: string
  readonly block: AddressBlock
}

/** Everything but the workloads: watchdog, control plane, agent, local API; and the (empty) fleet. */
async function startMachinery(
  parts: MachineryParts,
  config: ConfigPlace,
  undo: Undo,
): Promise<Result<{ readonly agent: HostAgent; readonly fleet: Fleet }>> {
  const { paths, printer, runtimeDir } = parts
  const runId = randomBytes(8).toString('hex')
  const settings: UpSettings = { ...parts.settings, env: { ...parts.settings.env, WEFT_RUN: runId } }
  const watchdog = startWatchdog(entryOf('watchdog'), runId, runtimeDir)
  undo.push(() => watchdog.close())
  printer.say('starting the control plane')
  const control = new ControlProcess(paths, settings, config, { watchdog, printer })
  undo.push(() => control.stop(STOP_GRACE_MS))
  const bound = await control.untilUp()
  if (!bound.ok) return bound
  const agent = new HostAgent({
    trustDomain: settings.trustDomain,
    endpoint: () => control.caEndpoint(),
    freshToken: () => control.freshToken(),
    log: printerLogger(printer, 'agent'),
  })
  undo.push(() => agent.stop())
  const fleet = new Fleet({ ...parts, settings, agent, control, watchdog })
  undo.push(() => fleet.stop(STOP_GRACE_MS))
  const status = (): LocalStatus => ({
    instances: fleet.status(),
    identities: agent.status(),
    control: { pid: control.pid, restarts: control.restarts },
    isolation: 'none',
  })
  const api = await startLocalApi(join(runtimeDir, API_SOCKET), {
    status,
    rotate: () => agent.rotateAll(),
    restartProxies: (workload, drainMs) => fleet.restartProxies(workload, drainMs),
  })
  if (!api.ok) return api
  undo.push(api.value.close)
  return ok({ agent, fleet })
}

/** Judges what was read before anything is started; the error lists everything that is wrong. */
async function judge(
  reading: MeshReading,
  paths: StatePaths,
  settings: UpSettings,
  block: AddressBlock,
): Promise<Result<readonly WorkloadInstance[]>> {
  const { view } = reading
  const wrong = [...reading.blocking, ...reading.dangling]
  if (wrong.length > 0) return err(list('the configuration has errors; nothing was started', wrong))
  if (view.workloads.length === 0) {
    return err(`${paths.config} holds no Workload (kind: Workload, apiVersion: weft.dev/v1alpha1): nothing to start`)
  }
  const path = settings.env['PATH'] ?? ''
  const missing = commandProblems(view.workloads, paths.root, path)
  if (settings.proxyKind === 'envoy' && !isOnPath('envoy', path)) {
    missing.push('--proxy envoy: no program "envoy" on PATH. Install Envoy 1.31 or newer, or leave the option out.')
  }
  if (missing.length > 0) return err(list('something is missing; nothing was started', missing))
  const instances = freshInstances(view, previousInstances(paths), block)
  if (!instances.ok) return instances
  const { xds, api, metrics } = settings.ports
  const control = [
    { host: '127.0.0.1', port: xds, what: 'control plane, xDS; --xds-port changes it' },
    { host: '127.0.0.1', port: api, what: 'control plane, API; --api-port changes it' },
    { host: '127.0.0.1', port: metrics, what: 'control plane, metrics; --metrics-port changes it' },
  ]
  const taken = await portProblems(instances.value, view, control)
  if (taken.length > 0) return err(list('ports are taken; nothing was started', taken))
  return instances
}

interface Followed {
  readonly source: MeshSource
  readonly settings: UpSettings
  readonly printer: LogPrinter
  readonly registry: Registry
  readonly fleet: Fleet
  readonly agent: HostAgent
  readonly undo: Undo
}

/** Follows changes of the files for as long as the mesh runs; the newest state is applied, one at a time. */
function follow(parts: Followed): void {
  const { source, settings, printer, registry, fleet, agent, undo } = parts
  const paths = statePaths(settings.dir)
  const path = settings.env['PATH'] ?? ''
  const teller = readingTeller(printer, `weft analyze ${paths.config}`)
  const tell = (reading: MeshReading): void =>
    teller(reading, commandProblems(reading.view.workloads, paths.root, path))
  const tellUnaddressed = unaddressedTeller(printer)
  let newest: MeshView | undefined
  let working: Promise<void> | undefined
  const work = async (): Promise<void> => {
    while (newest !== undefined) {
      const view = newest
      newest = undefined
      await fleet.apply(view).catch((error: Error) => printer.problem(error.message))
      tellUnaddressed(view, registry.instances)
    }
    working = undefined
  }
  tell(source.first)
  tellUnaddressed(source.first.view, registry.instances)
  source.follow((reading) => {
    tell(reading)
    newest = reading.view
    working ??= work()
  })
  if (settings.rotateEveryMs !== undefined) {
    const timer = setInterval(() => agent.rotateAll(), settings.rotateEveryMs)
    undo.push(() => clearInterval(timer))
  }
}

/** Tells of Services that have no address of their own, when others have none than before. */
function unaddressedTeller(printer: LogPrinter): (view: MeshView, instances: readonly WorkloadInstance[]) => void {
  let shown = ''
  return ({ services }, instances) => {
    const names = unaddressedServices(services, instances).join(', ')
    if (names === shown) return
    shown = names
    if (names === '') return
    printer.problem(
      list('more Services with TCP or UDP ports than this machine has addresses for', [
        `applications reach these by CONNECT through HTTP_PROXY only, or once other Services are removed: ${names}`,
      ]),
    )
  }
}

function previousInstances(paths: StatePaths): readonly WorkloadInstance[] {
  try {
    return (JSON.parse(readFileSync(paths.registryFile, 'utf8')) as InstanceRegistry).instances
  } catch {
    return []
  }
}
