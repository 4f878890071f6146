// A mesh whose data plane is real Envoys, under a control plane in this process, with applications that tell what reached them.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createHttp2Server, type Http2Server } from 'node:http2'
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeRuntime } from '@weft/core/node'
import { workloadId } from '@weft/identity'
import { loadFiles, meshWorkloads, ofKind, planInstances, type WorkloadInstance } from '@weft/resources'
import { startProgram, type StartedProgram } from '@weft/testkit/start-program'
import { until } from '@weft/testkit/until'
import { apiClient } from '../../../packages/control/src/api/api-client.ts'
import type { StatusReport } from '../../../packages/control/src/api/api-types.ts'
import { type RunningControl, startControl } from '../../../packages/control/src/start-control.ts'
import { HostAgent } from '../../../packages/local/src/agent/host-agent.ts'
import { type ProxyKind, proxyBootstrap } from '../../../packages/local/src/supervisor/proxy-bootstrap.ts'
import { type Answer, http, openTunnel } from './plain-clients.ts'

/** A request that reached an application. */
export interface Seen {
  readonly instance: string
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
}

/** What an application does with a request; without it, 200 and the name of the instance. */
export type App = (request: IncomingMessage, response: ServerResponse, instance: string) => void

/** How a mesh is made. */
export interface EnvoyMeshOptions {
  /** Workloads and Services: what all tests of the mesh share. */
  readonly base: string
  readonly app?: App
  /** Whether applications outside the mesh are started, too; else the test plays them. */
  readonly outside?: boolean
  /** Key and certificate of applications on ports named https*. */
  tls?: { readonly key: string; readonly cert: string }
  /** Who carries the traffic: real Envoys, unless Weft's own proxies are asked for. */
  readonly dataPlane?: ProxyKind
  /** Whom proxies ask for names; known once the mesh starts. */
  readonly dnsServers?: () => NonNullable<Parameters<typeof proxyBootstrap>[2]['dnsServers']>
  /** The proxy of an instance, where both carry it. */
  readonly proxyOf?: (instance: WorkloadInstance) => ProxyKind
}

type AnyServer = Server | TcpServer | Http2Server

const weftProxy = join(import.meta.dirname, '../../../packages/proxy/src/main.ts')

const plain: App = (_request, response, instance) => void response.end(instance)

/** Starts control plane, agent, applications (HTTP on ports named http*, https*, gRPC on grpc*, echo on udp* and others) and proxies. */
export class EnvoyMesh {
  readonly dir = mkdtempSync(join(tmpdir(), 'weft-envoy-mesh-'))
  readonly seen: Seen[] = []
  /** Lines that proxies wrote to standard output: access logs. */
  readonly logs: string[] = []
  /** The same by instance. */
  readonly logsOf = new Map<string, string[]>()
  instances: readonly WorkloadInstance[] = []
  readonly options: EnvoyMeshOptions
  readonly #children: StartedProgram[] = []
  readonly #servers: AnyServer[] = []
  readonly #datagrams: DatagramSocket[] = []
  #control: RunningControl | undefined
  #agent: HostAgent | undefined
  #edits = 0

  constructor(options: EnvoyMeshOptions) {
    this.options = options
  }

  async start(more = ''): Promise<void> {
    const { dir } = this
    const state = join(dir, '.weft')
    for (const folder of ['run', 'ca', 'registry', 'state']) mkdirSync(join(state, folder), { recursive: true })
    const text = `${this.options.base}\n---\n${more}`
    writeFileSync(join(dir, 'mesh.yaml'), text)
    const { objects } = loadFiles([{ name: 'mesh.yaml', text }], this.options.dataPlane ?? 'envoy')
    const firstIndex = 254 * (100 + (process.pid % 100))
    const planned = planInstances(meshWorkloads(objects), ofKind(objects, 'Service'), [], { firstIndex })
    this.instances = planned.map((one) => ({ ...one, ready: true }))
    writeFileSync(join(state, 'registry/instances.json'), JSON.stringify({ instances: this.instances }))
    const runtime = nodeRuntime({ logLevel: 'error' })
    const started = await startControl(
      {
        configDir: dir,
        stateDir: state,
        host: '127.0.0.1',
        xdsPort: 0,
        apiPort: 0,
        metricsPort: 0,
        trustDomain: 'cluster.local',
        svidTtlMs: 3_600_000,
        accessLog: true,
        proxy: this.options.dataPlane ?? 'envoy',
      },
      runtime,
    )
    assert.ok(started.ok, started.ok ? '' : started.error)
    const control = started.value
    this.#control = control
    const rootsPem = readFileSync(join(state, 'ca/root-cert.pem'), 'utf8')
    this.#agent = new HostAgent({
      trustDomain: 'cluster.local',
      endpoint: () => ({ target: `127.0.0.1:${control.xds.port}`, rootsPem, trustDomain: 'cluster.local' }),
      freshToken() {
        const token = crypto.randomUUID() + crypto.randomUUID()
        writeFileSync(join(state, 'run/bootstrap.json'), JSON.stringify({ token }))
        return token
      },
      log: runtime.log,
    })
    for (const instance of this.instances) {
      if (instance.proxy === 'sidecar' || (instance.proxy === 'none' && this.options.outside === true))
        await this.#startApps(instance)
      if (instance.proxy !== 'none') await this.#startEnvoy(instance)
    }
    await this.settled()
  }

  async #startApps(instance: WorkloadInstance): Promise<void> {
    for (const { name, port } of instance.ports) {
      if (name.startsWith('udp')) {
        const datagrams = createSocket('udp4')
        datagrams.on('message', (message, from) => datagrams.send(message, from.port, from.address))
        this.#datagrams.push(datagrams)
        await new Promise<void>((resolve) => datagrams.bind(port, instance.appAddress, resolve))
        continue
      }
      await this.serve(this.#serverFor(name, instance), { host: instance.appAddress, port })
    }
  }

  /** Starts a server that a test plays, closed with the mesh; on a port of its own (which is the answer) unless one is named. */
  async serve(server: AnyServer, { host = '127.0.0.1', port = 0 } = {}): Promise<number> {
    this.#servers.push(server)
    await new Promise<void>((resolve) => server.listen(port, host, resolve))
    return (server.address() as AddressInfo).port
  }

  #serverFor(name: string, instance: WorkloadInstance): AnyServer {
    const app = this.options.app ?? plain
    const answer = (incoming: IncomingMessage, response: ServerResponse): void => {
      const { method = '', url = '', headers } = incoming
      this.seen.push({ instance: instance.name, method, url, headers })
      app(incoming, response, instance.name)
    }
    if (name.startsWith('https')) return createHttpsServer({ ...this.options.tls }, answer)
    if (name.startsWith('http')) return createServer(answer)
    if (name.startsWith('grpc')) {
      return createHttp2Server((incoming, response) => {
        const { method, url, headers } = incoming
        this.seen.push({ instance: instance.name, method, url, headers })
        response.writeHead(200, { 'content-type': 'application/grpc', 'x-instance': instance.name })
        response.addTrailers({ 'grpc-status': '0' })
        response.end()
      })
    }
    return createTcpServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {})
      socket.pipe(socket)
    })
  }

  async #startEnvoy(instance: WorkloadInstance): Promise<void> {
    assert.ok(this.#agent !== undefined && this.#control !== undefined)
    const sds = join(this.dir, `${instance.name}.sock`)
    const served = await this.#agent.serve(sds, workloadId(instance))
    assert.ok(served.ok)
    const path = join(this.dir, `${instance.name}.json`)
    // Each proxy begins with what it accepted itself, and with nobody else's.
    const stateDir = join(this.dir, instance.name)
    mkdirSync(stateDir)
    const settings = {
      kind: this.options.proxyOf?.(instance) ?? this.options.dataPlane ?? 'envoy',
      trustDomain: 'cluster.local',
      xds: { host: '127.0.0.1', port: this.#control.xds.port },
      stateDir,
      drainMs: 0,
      accessLog: true,
      dnsServers: this.options.dnsServers?.(),
    }
    writeFileSync(path, proxyBootstrap(instance, sds, settings))
    const args = ['-c', path, '--use-dynamic-base-id', '--concurrency', '1', '--file-flush-interval-msec', '20']
    const child =
      settings.kind === 'weft'
        ? startProgram(process.execPath, [weftProxy, '--bootstrap', path])
        : startProgram('envoy', [...args, '-l', process.env['ENVOY_LOG'] ?? 'error'])
    const own: string[] = []
    this.logsOf.set(instance.name, own)
    let rest = ''
    child.stdout.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop() ?? ''
      this.logs.push(...lines)
      own.push(...lines)
    })
    this.#children.push(child)
  }

  /** Waits until every Envoy has taken what it was sent, and nothing of it was refused. */
  async settled(): Promise<void> {
    let last: unknown
    await until(
      async () => {
        const status = await this.status()
        last = status
        return status.proxies.every(
          (proxy) =>
            proxy.connected &&
            proxy.types.length >= 4 &&
            proxy.types.every((type) => type.state === 'accepted' || type.state === 'refused'),
        )
      },
      () => JSON.stringify(last, undefined, 1),
    )
    assert.deepEqual(await this.refusals(), [])
  }

  /** What Envoys refused, and why. */
  async refusals(): Promise<unknown[]> {
    const { proxies } = await this.status()
    return proxies.flatMap((proxy) => proxy.types.flatMap((type) => type.refused))
  }

  async status(): Promise<StatusReport> {
    assert.ok(this.#control !== undefined)
    const status = await apiClient(`http://127.0.0.1:${this.#control.api.port}`).status()
    assert.ok(status.ok)
    return status.value
  }

  /** Replaces everything but the base. */
  edit(more: string): void {
    const next = join(this.dir, `mesh.${this.#edits++}.tmp`)
    writeFileSync(next, `${this.options.base}\n---\n${more}`)
    renameSync(next, join(this.dir, 'mesh.yaml'))
  }

  instance(name: string): WorkloadInstance {
    const found = this.instances.find((instance) => instance.name === name)
    assert.ok(found !== undefined, name)
    return found
  }

  /** A port of an instance, as clients dial it. */
  at(name: string, port: number): { readonly host: string; readonly port: number } {
    return { host: this.instance(name).address, port }
  }

  /** Where an application of an instance finds a Service's port: `vault.shop:8443`. */
  outbound(from: string, target: string, protocol: 'TCP' | 'UDP' = 'TCP'): { host: string; port: number } {
    const { outboundTcp, outboundUdp } = this.instance(from)
    const host = (protocol === 'TCP' ? outboundTcp : outboundUdp)?.[target]
    assert.ok(host !== undefined, target)
    return { host, port: Number(target.slice(target.indexOf(':') + 1)) }
  }

  /** A tunnel of an application through its sidecar. */
  tunnel(from: string, authority: string): Promise<{ readonly status: number; readonly socket: Socket }> {
    return openTunnel(this.at(from, 15001), authority)
  }

  /** A request of an application through its sidecar. */
  call(
    from: string,
    url: string,
    headers: Record<string, string> = {},
    method = 'GET',
    body?: string,
  ): Promise<Answer> {
    const to = { ...this.at(from, 15001), path: url, method }
    return http({ ...to, headers: { host: new URL(url).host, ...headers } }, body)
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL')
    for (const socket of this.#datagrams) socket.close()
    for (const server of this.#servers) {
      server.close()
      if ('closeAllConnections' in server) server.closeAllConnections()
    }
    this.#agent?.stop()
    void this.#control?.close()
    rmSync(this.dir, { recursive: true, force: true })
  }
}
