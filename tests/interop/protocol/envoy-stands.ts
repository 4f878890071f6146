// One real Envoy with a listener and a cluster for each case.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { any } from '../../wire/proxy-under-test.ts'
import { caseResources } from './case-resources.ts'
import type { LogEntry, Stand, Upstream } from './play-case.ts'
import type { ProtocolCase } from './protocol-case.ts'

/** The Envoy; a stand for each case, in their order. */
export interface EnvoyStands {
  readonly stands: readonly Stand[]
  close(): void
}

const accessLog = [
  {
    name: 'envoy.access_loggers.stdout',
    typedConfig: any('envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', {
      logFormat: {
        jsonFormat: {
          port: '%DOWNSTREAM_LOCAL_PORT%',
          status: '%RESPONSE_CODE%',
          flags: '%RESPONSE_FLAGS%',
          details: '%RESPONSE_CODE_DETAILS%',
          bytesReceived: '%BYTES_RECEIVED%',
          bytesSent: '%BYTES_SENT%',
        },
      },
    }),
  },
]

/** Starts it. */
export async function startEnvoyStands(
  cases: readonly ProtocolCase[],
  upstreams: readonly Upstream[],
): Promise<EnvoyStands> {
  const dir = mkdtempSync(join(tmpdir(), 'weft-protocol-'))
  const resources = cases.map((each, at) => caseResources(each, upstreams[at]?.port ?? 1, { id: `-${at}`, accessLog }))
  const bootstrap = {
    admin: { address: { socketAddress: { address: '127.0.0.1', portValue: 0 } } },
    staticResources: {
      listeners: resources.map(({ listener }) => listener),
      clusters: resources.map(({ cluster }) => cluster),
    },
  }
  writeFileSync(join(dir, 'envoy.json'), JSON.stringify(bootstrap))
  const args = ['-c', join(dir, 'envoy.json'), '--use-dynamic-base-id', '--concurrency', '1']
  args.push('--admin-address-path', join(dir, 'admin'), '--file-flush-interval-msec', '20')
  args.push('-l', process.env['ENVOY_LOG'] ?? 'critical')
  const child = spawn('envoy', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const logs = new Map<number, LogEntry[]>()
  createInterface({ input: child.stdout }).on('line', (line) => keep(line, logs))
  const ports = await boundPorts(join(dir, 'admin'), cases.length, () => child.exitCode)
  const stands = ports.map((port) => ({
    port,
    takeLog: () => logs.get(port)?.splice(0) ?? [],
    close: () => Promise.resolve(),
  }))
  return {
    stands,
    close() {
      child.kill('SIGKILL')
      rmSync(dir, { recursive: true })
    },
  }
}

function keep(line: string, logs: Map<number, LogEntry[]>): void {
  if (!line.startsWith('{')) return
  const { port, ...entry } = JSON.parse(line) as { readonly port: number } & LogEntry
  const lines = logs.get(port) ?? []
  logs.set(port, lines)
  const { status, flags, details, bytesReceived, bytesSent } = entry
  lines.push({
    status,
    flags: flags === '-' || flags === null ? '' : flags,
    details: details ?? '',
    bytesReceived,
    bytesSent,
  })
}

interface Listeners {
  readonly listener_statuses?: readonly {
    readonly name: string
    readonly local_address: { readonly socket_address: { readonly port_value: number } }
  }[]
}

async function boundPorts(adminPath: string, count: number, exitCode: () => number | null): Promise<number[]> {
  let found: Listeners = {}
  const ready = async (): Promise<boolean> => {
    if (exitCode() !== null) throw new Error('Envoy did not start; ENVOY_LOG=error says why')
    found = await listeners(adminPath).catch(() => ({}))
    return found.listener_statuses?.length === count
  }
  for (let ask = 0; !(await ready()); ask++) {
    if (ask > 300) throw new Error('Envoy has not bound its listeners')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const ports = new Map(found.listener_statuses?.map((one) => [one.name, one.local_address.socket_address.port_value]))
  return Array.from({ length: count }, (_, at) => ports.get(`in-${at}`) ?? 0)
}

function listeners(adminPath: string): Promise<Listeners> {
  return new Promise((resolve, reject) => {
    const url = `http://${readFileSync(adminPath, 'utf8').trim()}/listeners?format=json`
    get(url, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
      response.on('end', () => resolve(JSON.parse(text) as Listeners))
    }).on('error', reject)
  })
}
