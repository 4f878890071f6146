// The proxy of one instance: its socket to the agent, its process, whether it is ready, how it is drained.
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { err, ok, type Result } from '@weft/core'
import type { WorkloadInstance } from '@weft/resources'
import type { HostAgent } from '../agent/host-agent.ts'
import { type Entry, entryOf } from '../process/entries.ts'
import type { LogPrinter } from '../process/log-printer.ts'
import { describeExit, ManagedProcess, restartDelayMs } from '../process/managed-process.ts'
import type { Watchdog } from '../watchdog/watchdog.ts'
import { emptyFolder, proxyFolder } from '../state-paths.ts'
import { PROXY_PORTS } from './proxy-ports.ts'
import { type ProxySettings, proxyBootstrap } from './proxy-bootstrap.ts'

/** What a proxy runner works with. */
export interface ProxyParts {
  readonly agent: HostAgent
  readonly watchdog: Watchdog
  readonly printer: LogPrinter
  readonly settings: Omit<ProxySettings, 'stateDir'>
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
}

const IDENTITY_TIMEOUT_MS = 15_000
const READY_TIMEOUT_MS = 30_000
const POLL_MS = 25

/** One proxy process and what belongs to it. */
export class ProxyRunner {
  readonly #instance: WorkloadInstance
  readonly #parts: ProxyParts
  readonly #label: string
  #process: ManagedProcess | undefined
  #lastLines: string[] = []
  #problem: string | undefined
  #stopped = false

  constructor(instance: WorkloadInstance, parts: ProxyParts) {
    this.#instance = instance
    this.#parts = parts
    this.#label = `${instance.name}.proxy`
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  get restarts(): number {
    return this.#process?.restarts ?? 0
  }

  get problem(): string | undefined {
    return this.#problem
  }

  /** Waits for the identity, starts the process, waits until it has configuration and listens. */
  async start(): Promise<Result<undefined>> {
    const { agent, sdsPath, identity } = this.#parts
    const served = await agent.serve(sdsPath, identity)
    if (!served.ok) return served
    if (this.#stopped) agent.close(sdsPath)
    const issued = await agent.untilIssued(identity, IDENTITY_TIMEOUT_MS)
    if (!issued.ok) return issued
    if (this.#stopped) return err('stopped')
    const written = this.#writeBootstrap()
    if (!written.ok) return written
    this.#process = this.#spawn(written.value)
    const ready = await this.#untilReady()
    const { laterIdentity } = this.#parts
    if (ready.ok && laterIdentity !== undefined) agent.reassign(sdsPath, laterIdentity)
    return ready
  }

  /** Stops accepting and waits, up to `timeoutMs`, until its connections have finished. */
  async drain(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs
    if (this.#parts.settings.kind === 'envoy') {
      await this.#post('/drain_listeners?graceful')
      await pause(Math.min(timeoutMs, 1_000))
      return
    }
    while (Date.now() < deadline) {
      const answer = await this.#post('/drain')
      const connections = answer === undefined ? 0 : connectionsIn(answer)
      if (connections === 0) return
      await pause(100)
    }
  }

  /** Ends process and socket. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true
    await this.#process?.stop(graceMs)
    this.#parts.agent.close(this.#parts.sdsPath)
  }

  #writeBootstrap(): Result<string> {
    const { namespace, name } = this.#instance
    const dir = proxyFolder(this.#parts.stateDir, `${name}.${namespace}`)
    const file = join(dir, 'bootstrap.json')
    try {
      emptyFolder(dir)
      const settings = { ...this.#parts.settings, stateDir: dir }
      writeFileSync(file, proxyBootstrap(this.#instance, this.#parts.sdsPath, settings), { mode: 0o600 })
      return ok(file)
    } catch (error) {
      return err(`cannot write ${file}: ${(error as Error).message}`)
    }
  }

  #spawn(bootstrapFile: string): ManagedProcess {
    const { printer, settings, env, cwd, watchdog } = this.#parts
    const program = settings.kind === 'envoy' ? envoyProgram(bootstrapFile) : weftProgram(bootstrapFile)
    return new ManagedProcess(
      { label: this.#label, ...program, cwd, env: { ...env, ...program.env } },
      {
        onLine: (line, stream) => {
          this.#lastLines = [...this.#lastLines, line].slice(-20)
          if (this.#stopped) return
          if (stream === 'err') printer.weft(this.#label, line)
          else if (settings.accessLog) printer.line(this.#label, line)
        },
        onExit: (exit, failures) => {
          this.#problem = describeExit(exit)
          printer.problem(`proxy of ${this.#instance.name} ${this.#problem}; it is started again`)
          return restartDelayMs(exit, failures)
        },
      },
      watchdog,
    )
  }

  async #untilReady(): Promise<Result<undefined>> {
    const deadline = Date.now() + READY_TIMEOUT_MS
    while (Date.now() < deadline) {
      if (await this.#isReady()) {
        this.#problem = undefined
        return ok(undefined)
      }
      // Three starts that end at once will not be followed by a good one.
      if (this.restarts >= 3 || this.#stopped) break
      await pause(POLL_MS)
    }
    const last = this.#lastLines.slice(-4).map((line) => `\n  ${line}`)
    return err(`proxy of ${this.#instance.name} is not ready: ${this.#problem ?? 'no configuration'}${last.join('')}`)
  }

  async #isReady(): Promise<boolean> {
    const answer = await call(this.#instance.address, 'GET', '/ready')
    return answer?.status === 200
  }

  async #post(path: string): Promise<string | undefined> {
    const answer = await call(this.#instance.address, 'POST', path)
    return answer?.body
  }
}

function weftProgram(bootstrapFile: string): Entry {
  const { command, args, env } = entryOf('proxy')
  return { command, args: [...args, '--bootstrap', bootstrapFile], env }
}

function envoyProgram(bootstrapFile: string): Entry {
  // One worker: a laptop runs a dozen of these. Hot restart would share memory between processes of one base id.
  const args = ['-c', bootstrapFile, '--disable-hot-restart', '--concurrency', '1', '--log-level', 'warn']
  // Connections of a replaced filter chain end with their next answer, or a permission taken away would live on for minutes.
  args.push('--drain-strategy', 'immediate', '--drain-time-s', '5')
  return { command: 'envoy', args, env: {} }
}

function call(host: string, method: string, path: string): Promise<{ status: number; body: string } | undefined> {
  return new Promise((resolve) => {
    const options = { host, port: PROXY_PORTS.admin, method, path, agent: false, timeout: 1_000 }
    const sent = request(options, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      response.on('error', () => resolve(undefined))
    })
    sent.once('timeout', () => sent.destroy(new Error('timeout')))
    sent.once('error', () => resolve(undefined))
    sent.end()
  })
}

function connectionsIn(body: string): number {
  try {
    const { connections } = JSON.parse(body) as { connections?: unknown }
    return typeof connections === 'number' ? connections : 0
  } catch {
    return 0
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
