// The proxy of one instance: its identity and socket to the agent, its processes, whether it is ready, how it is drained.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { err, ok, type Result } from '@weft/core'
import type { WorkloadInstance } from '@weft/resources'
import type { HostAgent } from '../agent/host-agent.ts'
import type { LogPrinter } from '../process/log-printer.ts'
import type { Watchdog } from '../watchdog/watchdog.ts'
import { emptyFolder, proxyFolder } from '../state-paths.ts'
import { EnvoyProxy } from './envoy-proxy.ts'
import { type BootstrapChanges, bootstrapFault, patchedBootstrap } from './patched-bootstrap.ts'
import { type ProxySettings, proxyBootstrap } from './proxy-bootstrap.ts'
import type { ProxyLaunch, ProxyProcesses, Replaced, Replacement } from './proxy-processes.ts'
import { WeftProxy } from './weft-proxy.ts'

/** What a proxy runner works with. */
export interface ProxyParts {
  readonly agent: HostAgent
  readonly watchdog: Watchdog
  readonly printer: LogPrinter
  readonly settings: Omit<ProxySettings, 'stateDir'>
  /** Processes that share its work. */
  readonly shards: number
  /** `.weft`. */
  readonly stateDir: string
  readonly env: Readonly<Record<string, string>>
  /** The Unix socket of this instance. */
  readonly sdsPath: string
  /** The SPIFFE id the agent serves on it. */
  readonly identity: string
  /** Sabotage: the id it is given once it has its configuration. */
  readonly laterIdentity: string | undefined
  readonly cwd: string
  /** What the control plane says of the bootstrap of an Envoy; undefined: it does not answer. */
  bootstrapChanges(): Promise<BootstrapChanges | undefined>
}

const IDENTITY_TIMEOUT_MS = 15_000
const READY_TIMEOUT_MS = 30_000
const POLL_MS = 25

/** One proxy and what belongs to it. */
export class ProxyRunner {
  readonly #instance: WorkloadInstance
  readonly #parts: ProxyParts
  #processes: ProxyProcesses | undefined
  #stopped = false

  constructor(instance: WorkloadInstance, parts: ProxyParts) {
    this.#instance = instance
    this.#parts = parts
  }

  /** Its processes, once it was started. */
  get processes(): ProxyProcesses | undefined {
    return this.#processes
  }

  get problem(): string | undefined {
    return this.#processes?.problem
  }

  /** Waits for the identity, starts the processes, waits until they have configuration and listen. */
  async start(): Promise<Result<undefined>> {
    const { agent, sdsPath, identity } = this.#parts
    const served = await agent.serve(sdsPath, identity)
    if (!served.ok) return served
    if (this.#stopped) agent.close(sdsPath)
    const issued = await agent.untilIssued(identity, IDENTITY_TIMEOUT_MS)
    if (!issued.ok) return issued
    if (this.#stopped) return err('stopped')
    const written = await this.#writeBootstrap()
    if (!written.ok) return written
    this.#processes = this.#launch(written.value)
    const ready = await this.#untilReady(this.#processes)
    const { laterIdentity } = this.#parts
    if (ready.ok && laterIdentity !== undefined) agent.reassign(sdsPath, laterIdentity)
    return ready
  }

  /** Stops accepting and waits, up to `timeoutMs`, until its connections have finished. */
  async drain(timeoutMs: number): Promise<void> {
    await this.#processes?.drain(timeoutMs)
  }

  /** Replaces its processes without losing a connection. */
  async replace(how: Replacement): Promise<Result<Replaced>> {
    if (this.#processes === undefined) return err('it has not been started yet')
    return this.#processes.replace(how)
  }

  /** Ends processes and socket. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true
    await this.#processes?.stop(graceMs)
    this.#parts.agent.close(this.#parts.sdsPath)
  }

  async #writeBootstrap(): Promise<Result<string>> {
    const { namespace, name } = this.#instance
    const dir = proxyFolder(this.#parts.stateDir, `${name}.${namespace}`)
    const file = join(dir, 'bootstrap.json')
    try {
      emptyFolder(dir)
      const settings = { ...this.#parts.settings, stateDir: dir }
      const plain = proxyBootstrap(this.#instance, this.#parts.sdsPath, settings)
      const write = (text: string): void => writeFileSync(file, text, { mode: 0o600 })
      const changes = settings.kind === 'envoy' ? await this.#parts.bootstrapChanges() : undefined
      write(changes === undefined || changes.patches.length === 0 ? plain : patchedBootstrap(plain, changes))
      if (changes === undefined || changes.patches.length === 0) return ok(file)
      const fault = await bootstrapFault(file, this.#parts.env)
      if (fault === undefined) return ok(file)
      write(plain)
      const why = `Envoy would not start with what EnvoyFilters for BOOTSTRAP say, and starts without it: ${fault}`
      this.#parts.printer.problem(`proxy of ${name}: ${why}`)
      return ok(file)
    } catch (error) {
      return err(`cannot write ${file}: ${(error as Error).message}`)
    }
  }

  #launch(bootstrapFile: string): ProxyProcesses {
    const { printer, settings, shards, env, cwd, watchdog } = this.#parts
    const { name, address, proxy } = this.#instance
    const { kind, accessLog } = settings
    const launch: ProxyLaunch = {
      label: `${name}.proxy`,
      instance: name,
      ...{ bootstrapFile, cwd, env, accessLog, watchdog, printer },
    }
    if (kind === 'envoy') return new EnvoyProxy(launch, address, shards)
    return new WeftProxy(launch, { shards, spread: proxy === 'gateway' })
  }

  async #untilReady(processes: ProxyProcesses): Promise<Result<undefined>> {
    const deadline = Date.now() + READY_TIMEOUT_MS
    while (Date.now() < deadline) {
      if (await processes.isReady()) return ok(undefined)
      // Three starts that end at once will not be followed by a good one.
      if (processes.restarts >= 3 || this.#stopped) break
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
    const last = processes.lastLines.slice(-4).map((line) => `\n  ${line}`)
    const why = processes.problem ?? 'no configuration'
    return err(`proxy of ${this.#instance.name} is not ready: ${why}${last.join('')}`)
  }
}
