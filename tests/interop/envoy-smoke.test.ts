// Real Envoys as gateway and sidecars of a control plane in this process: what we generate is not only valid, it works.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect, createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeRuntime } from '@weft/core/node'
import { workloadId } from '@weft/identity'
import { loadFiles, ofKind, planInstances, type WorkloadInstance } from '@weft/resources'
import { HostAgent } from '../../packages/local/src/agent/host-agent.ts'
import { openTestSigner } from '../../packages/local/src/check/test-signer.ts'
import { proxyBootstrap } from '../../packages/local/src/supervisor/proxy-bootstrap.ts'
import { apiClient } from '../../packages/control/src/api/api-client.ts'
import { echo, http, statsOf } from './smoke-clients.ts'
import { type RunningControl, startControl } from '../../packages/control/src/start-control.ts'

const hasEnvoy = ((): boolean => {
  try {
    execFileSync('envoy', ['--version'], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
})()

const mesh = `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: gateway, namespace: shop, labels: { app: gateway } }
spec: { proxy: gateway, serviceAccount: gateway }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: web, namespace: shop, labels: { app: web } }
spec: { command: [web], serviceAccount: web, ports: [{ name: http, port: 8080 }] }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: catalog, namespace: shop, labels: { app: catalog } }
spec: { command: [catalog], serviceAccount: catalog, ports: [{ name: http, port: 8080 }, { name: tcp, port: 7000 }] }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: older, namespace: shop, labels: { app: older, networking.istio.io/tunnel: none } }
spec: { command: [older], serviceAccount: older, ports: [{ name: tcp, port: 7000 }] }
---
apiVersion: v1
kind: Service
metadata: { name: older, namespace: shop }
spec: { selector: { app: older }, ports: [{ name: tcp, port: 7000 }] }
---
apiVersion: v1
kind: Service
metadata: { name: catalog, namespace: shop }
spec: { selector: { app: catalog }, ports: [{ name: http, port: 80, targetPort: 8080 }, { name: tcp, port: 7000 }] }
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: catalog, namespace: shop }
spec:
  selector: { matchLabels: { app: catalog } }
  rules:
    - from: [{ source: { principals: [cluster.local/ns/shop/sa/web] } }]
      to: [{ operation: { paths: [/books*] } }]
    - from: [{ source: { principals: [cluster.local/ns/shop/sa/web] } }]
      to: [{ operation: { ports: ["7000"] } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: catalog, namespace: shop }
spec:
  hosts: [catalog]
  http:
    - match: [{ headers: { x-user: { exact: jason } } }]
      fault: { abort: { httpStatus: 418, percentage: { value: 100 } } }
      route: [{ destination: { host: catalog, port: { number: 80 } } }]
    - route: [{ destination: { host: catalog, port: { number: 80 } } }]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: shop, namespace: shop }
spec: { selector: { app: gateway }, servers: [{ port: { number: 8080, name: http, protocol: HTTP }, hosts: ["*"] }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop, namespace: shop }
spec:
  hosts: ["*"]
  gateways: [shop]
  http: [{ route: [{ destination: { host: catalog, port: { number: 80 } } }] }]
`

describe('real Envoy under this control plane', { skip: hasEnvoy ? false : 'envoy is not on PATH' }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-smoke-'))
  const state = join(dir, '.weft')
  const children: ChildProcess[] = []
  let control: RunningControl
  let agent: HostAgent
  let instances: WorkloadInstance[]
  let app: Server
  const tcpApps: TcpServer[] = []
  const seen: string[] = []

  before(async () => {
    for (const folder of ['run', 'ca', 'registry', 'state']) mkdirSync(join(state, folder), { recursive: true })
    writeFileSync(join(dir, 'mesh.yaml'), mesh)
    const { objects, problems } = loadFiles([{ name: 'mesh.yaml', text: mesh }])
    assert.deepEqual(problems, [])
    const firstIndex = 254 * (100 + (process.pid % 100))
    instances = planInstances(ofKind(objects, 'Workload'), ofKind(objects, 'Service'), [], { firstIndex }).map(
      (one) => ({
        ...one,
        ready: true,
      }),
    )
    writeFileSync(join(state, 'registry/instances.json'), JSON.stringify({ instances }))
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
      },
      runtime,
    )
    assert.ok(started.ok, started.ok ? '' : started.error)
    control = started.value
    const rootsPem = readFileSync(join(state, 'ca/root-cert.pem'), 'utf8')
    agent = new HostAgent({
      trustDomain: 'cluster.local',
      endpoint: () => ({ target: `127.0.0.1:${control.xds.port}`, rootsPem, trustDomain: 'cluster.local' }),
      freshToken() {
        const token = crypto.randomUUID() + crypto.randomUUID()
        writeFileSync(join(state, 'run/bootstrap.json'), JSON.stringify({ token }))
        return token
      },
      log: runtime.log,
    })
    app = createServer((incoming, response) => {
      seen.push(`${incoming.method} ${incoming.url} ${incoming.headers['x-forwarded-client-cert'] ?? ''}`)
      response.end(`books for ${incoming.headers.host}`)
    })
    const catalog = instanceOf('catalog-0')
    await new Promise<void>((resolve) => app.listen(8080, catalog.appAddress, resolve))
    for (const { appAddress } of [catalog, instanceOf('older-0')]) {
      const tcpApp = createTcpServer((socket) => socket.pipe(socket))
      tcpApps.push(tcpApp)
      await new Promise<void>((resolve) => tcpApp.listen(7000, appAddress, resolve))
    }
    for (const instance of instances) await startEnvoy(instance)
    let last: unknown
    await until(
      async () => {
        const status = await apiClient(`http://127.0.0.1:${control.api.port}`).status()
        last = status.ok ? status.value.proxies : status
        return (
          status.ok &&
          status.value.proxies.every(
            (proxy) =>
              proxy.connected &&
              proxy.types.length === 4 &&
              proxy.types.every((type) => type.state === 'accepted' || type.state === 'refused'),
          )
        )
      },
      () => JSON.stringify([last, agent.status()], null, 1),
    )
  })

  after(async () => {
    for (const child of children) child.kill('SIGKILL')
    agent?.stop()
    app?.close()
    for (const tcpApp of tcpApps) tcpApp.close()
    await control?.close()
    rmSync(dir, { recursive: true })
  })

  function instanceOf(name: string): WorkloadInstance {
    const found = instances.find((instance) => instance.name === name)
    assert.ok(found !== undefined)
    return found
  }

  async function startEnvoy(instance: WorkloadInstance): Promise<void> {
    const sds = join(dir, `${instance.name}.sock`)
    const served = await agent.serve(sds, workloadId(instance))
    assert.ok(served.ok)
    const path = join(dir, `${instance.name}.json`)
    const settings = {
      kind: 'envoy',
      trustDomain: 'cluster.local',
      xds: { host: '127.0.0.1', port: control.xds.port },
      stateDir: dir,
      drainMs: 0,
      accessLog: false,
    } as const
    writeFileSync(path, proxyBootstrap(instance, sds, settings))
    const args = ['-c', path, '--use-dynamic-base-id', '--concurrency', '1', '-l', 'warning']
    const child = spawn('envoy', args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let log = ''
    child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()))
    child.on('exit', (code) => {
      if (code !== null && code !== 0) console.error(`${instance.name}: envoy exit ${code}\n${log}`)
    })
    children.push(child)
  }

  test('every proxy accepts everything, with its own identity', async () => {
    const status = await apiClient(`http://127.0.0.1:${control.api.port}`).status()
    assert.ok(status.ok)
    for (const proxy of status.value.proxies) {
      assert.deepEqual(
        proxy.types.flatMap((type) => type.refused),
        [],
        proxy.id,
      )
      assert.equal(proxy.identity.spiffeId, proxy.identity.expected)
    }
    assert.equal(status.value.proxies.length, 4)
  })

  test('an absolute-form request by short name reaches the app over mutual TLS', async () => {
    const answer = await viaProxy('http://catalog/books')
    assert.deepEqual(answer, { status: 200, body: 'books for catalog' })
    assert.match(seen.at(-1) ?? '', /URI=spiffe:\/\/cluster.local\/ns\/shop\/sa\/web/)
  })

  test('a CONNECT tunnel gets the same routes', async () => {
    assert.match(
      await viaTunnel('catalog:80', 'GET /books/7 HTTP/1.1\r\nHost: catalog\r\n\r\n', /books for/),
      /^HTTP\/1.1 200/,
    )
    assert.match(seen.at(-1) ?? '', /GET \/books\/7/)
    assert.match(
      await viaTunnel('catalog:80', 'GET / HTTP/1.1\r\nHost: catalog\r\nx-user: jason\r\n\r\n', /fault/),
      /^HTTP\/1.1 418/,
    )
  })

  test('a fault is injected for the header that asks for it', async () => {
    assert.equal((await viaProxy('http://catalog/books', { 'x-user': 'jason' })).status, 418)
  })

  test('authorization refuses a path that is not allowed, and the gateway that is not', async () => {
    assert.equal((await viaProxy('http://catalog/admin')).status, 403)
    const gateway = instanceOf('gateway-0')
    const answer = await http({ host: gateway.address, port: 8080, path: '/books' })
    assert.equal(answer.status, 403)
  })

  test('a name the mesh does not know is answered with 502', async () => {
    assert.equal((await viaProxy('http://example.com/')).status, 502)
  })

  test('plaintext to a STRICT workload is refused', async () => {
    await assert.rejects(
      http({ host: instanceOf('catalog-0').address, port: 8080, path: '/books' }),
      /ECONNRESET|hang up/,
    )
  })

  test('TCP goes through its loopback listener and through a tunnel', async () => {
    const address = instanceOf('web-0').outboundTcp['catalog.shop:7000']
    assert.ok(address !== undefined)
    assert.equal(await echo(address, 7000, 'hello\n'), 'hello\n')
    assert.match(await viaTunnel('catalog:7000', 'ping\n', /ping\n$/), /ping\n$/)
  })

  test('connections to TCP ports are streams of one HTTP/2 connection, and requests of another', async () => {
    const web = instanceOf('web-0')
    const address = web.outboundTcp['catalog.shop:7000']
    assert.ok(address !== undefined)
    const before = await statsOf(web, /^cluster\.(connect_originate|outbound.80..catalog.*)\.upstream_(cx|rq)_/)
    for (const line of ['a\n', 'b\n', 'c\n']) assert.equal(await echo(address, 7000, line), line)
    for (const path of ['/books/1', '/books/2', '/books/3']) await viaProxy(`http://catalog${path}`)
    const after = await statsOf(web, /^cluster\.(connect_originate|outbound.80..catalog.*)\.upstream_(cx|rq)_/)
    const grown = (name: RegExp): number => sum(after, name) - sum(before, name)
    assert.equal(grown(/connect_originate\.upstream_rq_total/), 3)
    assert.equal(grown(/outbound.80.*\.upstream_rq_total/), 3)
    assert.equal(sum(after, /connect_originate\.upstream_cx_http2_total/), 1)
    assert.equal(sum(after, /outbound.80.*\.upstream_cx_http2_total/), 1)
    assert.equal(sum(after, /upstream_cx_http1_total/), 0)
  })

  test('a workload that takes no tunnels is spoken to by mutual TLS on its port', async () => {
    const web = instanceOf('web-0')
    const address = web.outboundTcp['older.shop:7000']
    assert.ok(address !== undefined)
    const before = sum(await statsOf(web, /connect_originate/), /upstream_rq_total/)
    assert.equal(await echo(address, 7000, 'hello\n'), 'hello\n')
    assert.equal(sum(await statsOf(web, /connect_originate/), /upstream_rq_total/), before)
    assert.equal(sum(await statsOf(web, /^cluster\.outbound.7000..older/), /\.ssl\.handshake/), 1)
  })

  test('a tunnel is refused to who is not allowed on the port, and to no port that is not TCP', async () => {
    const catalog = instanceOf('catalog-0')
    const web = await tunnelAs('web', catalog, 7000)
    assert.deepEqual(web, { status: 200, echoed: 'hello' })
    assert.equal((await tunnelAs('gateway', catalog, 7000)).status, 403)
    assert.equal((await tunnelAs('web', catalog, 8080)).status, 403)
    assert.equal((await tunnelAs('web', instanceOf('web-0'), 8080)).status, undefined, 'nothing there takes tunnels')
  })

  test('an edited file changes answers without a restart', async () => {
    const text = mesh.replace('httpStatus: 418', 'httpStatus: 429')
    writeFileSync(join(dir, 'mesh.tmp'), text)
    renameSync(join(dir, 'mesh.tmp'), join(dir, 'mesh.yaml'))
    await until(async () => (await viaProxy('http://catalog/books', { 'x-user': 'jason' })).status === 429)
  })

  /** Opens a CONNECT stream on 15008 with the certificate of a service account, as any HBONE client would. */
  async function tunnelAs(
    account: string,
    to: WorkloadInstance,
    port: number,
  ): Promise<{ status: number | undefined; echoed?: string }> {
    const signer = await openTestSigner(join(state, 'ca'))
    const { cert, key, ca } = await signer.issue({ uris: [`spiffe://cluster.local/ns/shop/sa/${account}`] })
    const session = connectHttp2(`https://${to.address}:15008`, { cert, key, ca, checkServerIdentity: () => undefined })
    try {
      return await new Promise((resolve) => {
        session.on('error', () => resolve({ status: undefined }))
        const stream = session.request({ ':method': 'CONNECT', ':authority': `${to.address}:${port}` })
        stream.on('error', () => resolve({ status: undefined }))
        stream.on('response', ({ ':status': status }) => {
          if (status !== 200) resolve({ status })
          else stream.write('hello')
        })
        stream.once('data', (chunk: Buffer) => resolve({ status: 200, echoed: chunk.toString() }))
      })
    } finally {
      session.destroy()
    }
  }

  function viaProxy(url: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
    return http({
      host: instanceOf('web-0').address,
      port: 15001,
      path: url,
      headers: { host: new URL(url).host, ...headers },
    })
  }

  function viaTunnel(authority: string, payload: string, until?: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(15001, instanceOf('web-0').address)
      let text = ''
      let open = false
      socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)
      socket.on('data', (chunk) => {
        text += chunk.toString()
        if (!open && text.includes('\r\n\r\n')) {
          if (!/^HTTP\/1.1 200/.test(text)) reject(new Error(text))
          open = true
          text = ''
          socket.write(payload)
        }
        if (until?.test(text)) socket.destroy()
      })
      socket.on('error', reject)
      socket.on('close', () => resolve(text))
    })
  }
})

function sum(stats: ReadonlyMap<string, number>, name: RegExp): number {
  return [...stats].reduce((total, [key, value]) => (name.test(key) ? total + value : total), 0)
}

async function until(condition: () => Promise<boolean>, detail = (): string => ''): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `did not happen within 30 s ${detail()}`)
    await sleep(50)
  }
}
