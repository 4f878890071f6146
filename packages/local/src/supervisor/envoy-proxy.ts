// Envoy as the proxy of one instance: one process, asked over its administrative port.
import { request } from 'node:http'
import { err, type Result } from '@weft/core'
import { describeExit, ManagedProcess, restartDelayMs } from '../process/managed-process.ts'
import { PROXY_PORTS } from './proxy-ports.ts'
import type { ProxyLaunch, ProxyProcesses, Replaced } from './proxy-processes.ts'

const drainLookMs = 1_000

/** One Envoy. */
export class EnvoyProxy implements ProxyProcesses {
  readonly retiringPids: readonly number[] = []
  readonly epoch = 0
  readonly #address: string
  readonly #process: ManagedProcess
  #problem: string | undefined
  #lines: string[] = []
  #stopped = false

  constructor(launch: ProxyLaunch, address: string, shards: number) {
    this.#address = address
    const { label, instance, printer, cwd, env, watchdog, accessLog, bootstrapFile } = launch
    // One worker unless asked for more: a laptop runs a dozen of these. Hot restart would share memory between processes of
    // one base id.
    const args = ['-c', bootstrapFile, '--disable-hot-restart', '--concurrency', String(shards), '--log-level', 'warn']
    // Connections of a replaced filter chain end with their next answer, or a permission taken away would live on for minutes.
    args.push('--drain-strategy', 'immediate', '--drain-time-s', '5')
    this.#process = new ManagedProcess(
      { label, command: 'envoy', args, cwd, env },
      {
        onLine: (line, stream) => {
          this.#lines = [...this.#lines, line].slice(-20)
          if (this.#stopped) return
          if (stream === 'err') printer.weft(label, line)
          else if (accessLog) printer.line(label, line)
        },
        onExit: (exit, failures) => {
          this.#problem = describeExit(exit)
          printer.problem(`proxy of ${instance} ${this.#problem}; it is started again`)
          return restartDelayMs(exit, failures)
        },
      },
      watchdog,
    )
  }

  get pids(): readonly number[] {
    return this.#process.pid === undefined ? [] : [this.#process.pid]
  }

  get restarts(): number {
    return this.#process.restarts
  }

  get problem(): string | undefined {
    return this.#problem
  }

  get lastLines(): readonly string[] {
    return this.#lines
  }

  async isReady(): Promise<boolean> {
    const isReady = await this.#call('GET', '/ready')
    if (isReady) this.#problem = undefined
    return isReady
  }

  async drain(timeoutMs: number): Promise<void> {
    await this.#call('POST', '/drain_listeners?graceful')
    await new Promise((resolve) => setTimeout(resolve, Math.min(timeoutMs, drainLookMs)))
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopped = true
    await this.#process.stop(graceMs)
  }

  async replace(): Promise<Result<Replaced>> {
    return err('Envoy is not restarted hot by weft: only Weft’s own proxy is')
  }

  /** Whether the administrative port answered 200. */
  #call(method: string, path: string): Promise<boolean> {
    return new Promise((resolve) => {
      const options = { host: this.#address, port: PROXY_PORTS.admin, method, path, agent: false, timeout: 1_000 }
      const sent = request(options, (response) => {
        response.resume()
        resolve(response.statusCode === 200)
      })
      sent.once('timeout', () => sent.destroy(new Error('timeout')))
      sent.once('error', () => resolve(false))
      sent.end()
    })
  }
}
