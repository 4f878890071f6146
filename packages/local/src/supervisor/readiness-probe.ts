// Is the application ready? One probe at a time, as Kubernetes does: the first success makes it ready,
// `failureThreshold` failures in a row make it unready.
import { spawn } from 'node:child_process'
import { request } from 'node:http'
import { connect } from 'node:net'
import type { Readiness } from '@weft/resources'

/** What a probe needs to know of its instance. */
export interface ProbeTarget {
  readonly host: string
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

/** Probes until closed. */
export interface ReadinessProbe {
  /** What the last failed probe saw. */
  readonly problem: string | undefined
  close(): void
}

// While it has never been ready: start-up should not wait for a whole period.
const FIRST_PERIOD_MS = 100

/** Starts probing; `onChange` hears every change of mind, beginning with the first success. */
export function startReadinessProbe(
  readiness: Readiness,
  target: ProbeTarget,
  onChange: (ready: boolean) => void,
): ReadinessProbe {
  let closed = false
  let ready = false
  let failures = 0
  let problem: string | undefined
  let timer: NodeJS.Timeout | undefined
  const round = async (): Promise<void> => {
    const seen = await probe(readiness, target)
    if (closed) return
    problem = seen
    failures = seen === undefined ? 0 : failures + 1
    const now = seen === undefined || (ready && failures < readiness.failureThreshold)
    if (now !== ready) {
      ready = now
      onChange(ready)
    }
    const periodMs = readiness.periodSeconds * 1000
    timer = setTimeout(() => void round(), ready ? periodMs : Math.min(periodMs, FIRST_PERIOD_MS))
  }
  void round()
  return {
    get problem() {
      return problem
    },
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}

/** One probe; undefined when it succeeds, else what was seen. */
function probe(readiness: Readiness, target: ProbeTarget): Promise<string | undefined> {
  const timeoutMs = readiness.timeoutSeconds * 1000
  if (readiness.httpGet !== undefined) {
    const { path, port } = readiness.httpGet
    return httpGet({ host: target.host, port, path }, timeoutMs)
  }
  if (readiness.tcpSocket !== undefined)
    return tcpConnect({ host: target.host, port: readiness.tcpSocket.port }, timeoutMs)
  return execProbe(readiness.exec?.command ?? [], target, timeoutMs)
}

function httpGet(at: { host: string; port: number; path: string }, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    // No agent: a probe must not find a connection that an earlier generation of the process had accepted.
    const call = request({ ...at, agent: false, timeout: timeoutMs }, (response) => {
      response.resume()
      const { statusCode = 0 } = response
      // Kubernetes: any status from 200 to 399 is success.
      resolve(statusCode >= 200 && statusCode < 400 ? undefined : `GET ${at.path} answered ${statusCode}`)
    })
    call.once('timeout', () => call.destroy(new Error(`no answer in ${timeoutMs} ms`)))
    call.once('error', (error) => resolve(`GET http://${at.host}:${at.port}${at.path}: ${error.message}`))
    call.end()
  })
}

function tcpConnect(at: { host: string; port: number }, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ ...at, timeout: timeoutMs }, () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.once('timeout', () => socket.destroy(new Error(`no connection in ${timeoutMs} ms`)))
    socket.once('error', (error) => resolve(`connect ${at.host}:${at.port}: ${error.message}`))
  })
}

function execProbe(command: readonly string[], target: ProbeTarget, timeoutMs: number): Promise<string | undefined> {
  const [program = '', ...args] = command
  return new Promise((resolve) => {
    const { cwd, env } = target
    const child = spawn(program, args, { cwd, env, stdio: 'ignore', timeout: timeoutMs, killSignal: 'SIGKILL' })
    child.once('error', (error) => resolve(`${program}: ${error.message}`))
    child.once('exit', (code, signal) => resolve(code === 0 ? undefined : `${program} ended with ${signal ?? code}`))
  })
}
