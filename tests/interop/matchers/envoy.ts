// One Envoy with many listeners, the markers behind it, and the questions put to it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '@bufbuild/protobuf'
import type { PlainRequest } from '@weft/engine'
import { startProgram, type StartedProgram } from '@weft/testkit/start-program'
import { clusterNames, typed } from './generate.ts'

/** What came back, and what the upstream saw. */
export interface WireAnswer {
  readonly status: number
  readonly location: string | undefined
  readonly upstream: Readonly<Record<string, string>> | undefined
  readonly route: string | undefined
}

/** An Envoy that answers on listener after listener. */
export interface EnvoyField {
  /** Base URL parts of each listener, in order. */
  readonly ports: readonly number[]
  ask(port: number, id: string, request: PlainRequest): Promise<WireAnswer>
  close(): void
}

/** Listener `index` of the bootstrap, the text both sides read. */
export function listenerJson(manager: JsonObject, index: number): JsonObject {
  const type = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
  return {
    name: `l${index}`,
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [{ filters: [typed('hcm', type, manager)] }],
  }
}

/** Starts Envoy and the marker servers. */
export async function startField(managers: readonly JsonObject[]): Promise<EnvoyField> {
  const dir = mkdtempSync(join(tmpdir(), 'weft-matchers-'))
  const markers = await Promise.all(clusterNames.map(startMarker))
  const bootstrap = {
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    static_resources: {
      listeners: managers.map((manager, index) => listenerJson(withLog(manager), index)),
      clusters: [...markers.map(({ name, port }) => clusterJson(name, [port])), clusterJson('empty', [])],
    },
  }
  writeFileSync(join(dir, 'envoy.json'), JSON.stringify(bootstrap))
  const args = ['-c', join(dir, 'envoy.json'), '--use-dynamic-base-id', '--concurrency', '1', '-l', 'error']
  const child = startProgram('envoy', [...args, '--admin-address-path', join(dir, 'admin')])
  const close = () => {
    child.kill('SIGKILL')
    for (const { server } of markers) {
      server.closeAllConnections()
      server.close()
    }
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    const ports = await listenerPorts(child, join(dir, 'admin'), managers.length)
    return { ports, ask, close }
  } catch (error) {
    close()
    throw error
  }
}

/** The route Envoy took, told in every answer it makes, local ones included. */
function withLog(manager: JsonObject): JsonObject {
  const header = { header: { key: 'x-route', value: '%ROUTE_NAME%' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' }
  return {
    ...manager,
    local_reply_config: {
      mappers: [
        {
          filter: { status_code_filter: { comparison: { op: 'GE', value: { default_value: 0, runtime_key: 'x' } } } },
          headers_to_add: [header],
        },
      ],
    },
  }
}

function clusterJson(name: string, ports: readonly number[]): JsonObject {
  const endpoints = ports.map((port) => ({
    endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
  }))
  return { name, type: 'STATIC', load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: endpoints }] } }
}

interface Marker {
  readonly name: string
  readonly port: number
  readonly server: Server
}

/** Says its name and what it saw. */
function startMarker(name: string): Promise<Marker> {
  const server = createServer((request, response) => {
    const { host = '' } = request.headers
    const seen: Record<string, string> = { ':cluster': name, ':path': request.url ?? '', ':authority': host }
    for (const key of ['x-user', 'x-added', 'x-trace']) {
      const value = request.headers[key]
      if (value !== undefined) seen[key] = String(value).replaceAll(', ', ',')
    }
    response.end(JSON.stringify(seen))
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ name, server, port: (server.address() as { port: number }).port }))
  })
}

async function listenerPorts(child: StartedProgram, adminFile: string, count: number): Promise<readonly number[]> {
  for (let tries = 0; tries < 200 && child.exitCode === null; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    const answer = await adminAnswer(adminFile)
    const found = (answer?.listener_statuses ?? []).filter((one) => one.local_address.socket_address.port_value > 0)
    if (found.length < count) continue
    const byName = new Map(found.map((one) => [one.name, one.local_address.socket_address.port_value]))
    return Array.from({ length: count }, (_, index) => byName.get(`l${index}`) ?? 0)
  }
  throw new Error(`envoy did not start: ${child.exitCode ?? 'no answer within 10 s'}`)
}

interface AdminListeners {
  readonly listener_statuses?: readonly {
    readonly name: string
    readonly local_address: { readonly socket_address: { readonly port_value: number } }
  }[]
}

async function adminAnswer(adminFile: string): Promise<AdminListeners | undefined> {
  try {
    const address = readFileSync(adminFile, 'utf8').trim()
    if (address === '') return undefined
    const response = await fetch(`http://${address}/listeners?format=json`)
    return (await response.json()) as AdminListeners
  } catch {
    return undefined
  }
}

/** One request on a connection of its own, written byte for byte. */
async function ask(port: number, id: string, request: PlainRequest): Promise<WireAnswer> {
  const lines = Object.entries(request.headers ?? {}).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((one) => `${name}: ${one}\r\n`),
  )
  const length = request.method === 'GET' || request.method === 'DELETE' ? '' : 'content-length: 0\r\n'
  const head = `${request.method} ${request.path} HTTP/1.1\r\nhost: ${request.authority}\r\nx-id: ${id}\r\n${length}${lines.join('')}connection: close\r\n\r\n`
  const socket = connect(port, '127.0.0.1')
  socket.write(head, 'latin1')
  return parseAnswer(await readAll(socket))
}

function readAll(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      text += chunk
      if (!isWhole(text)) return
      // Envoy would keep a connection it closes open for another second.
      socket.destroy()
      resolve(text)
    })
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
    socket.setTimeout(5000, () => reject(new Error(`no end of the answer within 5 s: ${text}`)))
  })
}

function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n')
  const length = /^content-length: (\d+)\r$/im.exec(text.slice(0, head + 1))?.[1]
  return (
    head >= 0 && (length === undefined ? /^HTTP\/1.1 (3|204|304)/.test(text) : text.length >= head + 4 + Number(length))
  )
}

function parseAnswer(text: string): WireAnswer {
  const [head = '', body = ''] = text.split('\r\n\r\n')
  const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]?.trim()
  const json = /\{.*\}/.exec(body)?.[0]
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]),
    location: header('location'),
    upstream: json === undefined ? undefined : (JSON.parse(json) as Record<string, string>),
    route: header('x-route'),
  }
}
