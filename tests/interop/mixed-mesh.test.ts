// A mesh of both proxies under one control plane: Weft's at one end of the hop, real Envoy at the other, each way.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import { connect, createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeRuntime } from '@weft/core/node'
import { workloadId } from '@weft/identity'
import { loadFiles, ofKind, planInstances, type WorkloadInstance } from '@weft/resources'
import { apiClient } from '../../packages/control/src/api/api-client.ts'
import { type RunningControl, startControl } from '../../packages/control/src/start-control.ts'
import { HostAgent } from '../../packages/local/src/agent/host-agent.ts'
import { type ProxyKind, proxyBootstrap } from '../../packages/local/src/supervisor/proxy-bootstrap.ts'

const hasEnvoy = ((): boolean => {
  try {
    execFileSync('envoy', ['--version'], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
})()

const part = (name: string): string => `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: ${name}, namespace: shop, labels: { app: ${name} } }
spec: { command: [${name}], serviceAccount: ${name}, ports: [{ name: http, port: 8080 }, { name: tcp, port: 7000 }, { name: tcp-other, port: 7001 }] }
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { selector: { app: ${name} }, ports: [{ name: http, port: 80, targetPort: 8080 }, { name: tcp, port: 7000 }, { name: tcp-other, port: 7001 }] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name}, namespace: shop }
spec:
  selector: { matchLabels: { app: ${name} } }
  rules:
    - from: [{ source: { principals: [cluster.local/ns/shop/sa/weft, cluster.local/ns/shop/sa/envoy] } }]
      to: [{ operation: { ports: ["8080"], paths: [/open*] } }]
    - from: [{ source: { principals: [cluster.local/ns/shop/sa/weft, cluster.local/ns/shop/sa/envoy] } }]
      to: [{ operation: { ports: ["7000"] } }]
---`
const mesh = `${part('weft')}${part('envoy')}
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
`

describe('Weft and Envoy in one mesh', { skip: hasEnvoy ? false : 'envoy is not on PATH' }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-mixed-'))
  const state = join(dir, '.weft')
  const children: ChildProcess[] = []
  const apps: (Server | TcpServer)[] = []
  const seen: string[] = []
  const logs: Record<string, string> = { weft: '', envoy: '' }
  let control: RunningControl
  let agent: HostAgent
  let instances: WorkloadInstance[]

  before(async () => {
    for (const folder of ['run', 'ca', 'registry', 'state']) mkdirSync(join(state, folder), { recursive: true })
    writeFileSync(join(dir, 'mesh.yaml'), mesh)
    const { objects, problems } = loadFiles([{ name: 'mesh.yaml', text: mesh }])
    assert.deepEqual(problems, [])
    const firstIndex = 254 * (100 + (process.pid % 100))
    const planned = planInstances(ofKind(objects, 'Workload'), ofKind(objects, 'Service'), [], { firstIndex })
    instances = planned.map((instance) => ({ ...instance, ready: true }))
    writeFileSync(join(state, 'registry/instances.json'), JSON.stringify({ instances }))
    const runtime = nodeRuntime({ logLevel: 'error' })
    const ports = { xdsPort: 0, apiPort: 0, metricsPort: 0 }
    const settings = { host: '127.0.0.1', trustDomain: 'cluster.local', svidTtlMs: 3_600_000, accessLog: true }
    const started = await startControl({ configDir: dir, stateDir: state, ...ports, ...settings }, runtime)
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
    for (const instance of instances) await startWorkload(instance)
    await until(async () => {
      const status = await apiClient(`http://127.0.0.1:${control.api.port}`).status()
      if (!status.ok || status.value.proxies.length !== 2) return false
      return status.value.proxies.every(
        ({ connected, types }) => connected && types.length === 4 && types.every((type) => type.state === 'accepted'),
      )
    })
  })

  after(async () => {
    for (const child of children) child.kill('SIGKILL')
    agent?.stop()
    for (const app of apps) app.close()
    await control?.close()
    rmSync(dir, { recursive: true })
  })

  function instanceOf(kind: string): WorkloadInstance {
    const found = instances.find(({ workload }) => workload === kind)
    assert.ok(found !== undefined)
    return found
  }

  /** The applications of a workload, and its proxy: the one it is named after. */
  async function startWorkload(instance: WorkloadInstance): Promise<void> {
    const kind = instance.workload as ProxyKind
    const app = createServer((incoming, response) => {
      seen.push(`${kind} ${incoming.method} ${incoming.url} ${incoming.headers['x-forwarded-client-cert'] ?? ''}`)
      incoming.pipe(response)
      if (incoming.method === 'GET') response.end(`from ${kind}`)
    })
    const tcp = createTcpServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {})
      socket.pipe(socket)
    })
    apps.push(app, tcp)
    await new Promise<void>((resolve) => app.listen(8080, instance.appAddress, resolve))
    await new Promise<void>((resolve) => tcp.listen(7000, instance.appAddress, resolve))
    const sds = join(dir, `${kind}.sock`)
    const served = await agent.serve(sds, workloadId(instance))
    assert.ok(served.ok)
    const path = join(dir, `${kind}.json`)
    const xds = { host: '127.0.0.1', port: control.xds.port }
    const stateDir = join(dir, kind)
    const settings = { kind, trustDomain: 'cluster.local', xds, stateDir, drainMs: 1_000, accessLog: true }
    writeFileSync(path, proxyBootstrap(instance, sds, settings))
    const main = join(import.meta.dirname, '../../packages/proxy/src/main.ts')
    const [command, args] =
      kind === 'weft'
        ? [process.execPath, ['--disable-warning=ExperimentalWarning', main, '--bootstrap', path]]
        : [
            'envoy',
            [
              '-c',
              path,
              '--use-dynamic-base-id',
              '--concurrency',
              '1',
              '-l',
              'error',
              '--file-flush-interval-msec',
              '50',
            ],
          ]
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => void (logs[kind] += chunk.toString()))
    children.push(child)
  }

  for (const [from, to] of [
    ['weft', 'envoy'],
    ['envoy', 'weft'],
  ] as const) {
    test(`requests from ${from} to ${to} go over HTTP/2, with the caller's identity, and policies hold`, async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => ask(from, `http://${to}/open/${at}`)))
      assert.ok(
        answers.every(({ status, body }) => status === 200 && body === `from ${to}`),
        JSON.stringify(answers[0]),
      )
      assert.match(seen.at(-1) ?? '', new RegExp(`^${to} GET .*URI=spiffe://cluster.local/ns/shop/sa/${from}`))
      assert.equal((await ask(from, `http://${to}/closed`)).status, 403)
      const big = 'x'.repeat(1_000_000)
      assert.equal((await ask(from, `http://${to}/open/big`, big)).body, big)
      await until(async () => lines(to).some(({ path, protocol }) => path === '/open/19' && protocol === 'HTTP/2'))
    })

    test(`TCP from ${from} to ${to} goes through tunnels, by the loopback listener and by CONNECT`, async () => {
      const host = instanceOf(from).outboundTcp[`${to}.shop:7000`]
      assert.ok(host !== undefined)
      const words = Array.from({ length: 12 }, (_, at) => `line ${at}\n`)
      const echoes = await Promise.all(words.map((word) => echo(host, 7000, word)))
      assert.deepEqual(echoes, words)
      const big = 'y'.repeat(3_000_000)
      assert.ok((await echo(host, 7000, big)) === big, 'three megabytes, and an end in each direction')
      const connected = await echo(
        instanceOf(from).address,
        15001,
        'ping',
        `CONNECT ${to}:7000 HTTP/1.1\r\nHost: ${to}:7000\r\n\r\n`,
      )
      assert.match(connected, /^HTTP\/1.1 200 [^]*\r\n\r\nping$/)
      const authority = `${instanceOf(to).address}:7000`
      const opened = (): number =>
        lines(to).filter((line) => line['method'] === 'CONNECT' && line['authority'] === authority).length
      await until(async () => opened() === 14)
    })

    test(`a tunnel from ${from} to a port of ${to} that is not allowed ends the connection`, async () => {
      const host = instanceOf(from).outboundTcp[`${to}.shop:7001`]
      assert.ok(host !== undefined)
      assert.equal(await echo(host, 7001, 'hello'), '')
    })
  }

  function lines(kind: string): Record<string, string>[] {
    return (logs[kind] ?? '').split('\n').flatMap((line) => {
      try {
        return line.startsWith('{') ? [JSON.parse(line) as Record<string, string>] : []
      } catch {
        return []
      }
    })
  }

  function ask(from: string, url: string, body?: string): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const options = {
        host: instanceOf(from).address,
        port: 15001,
        path: url,
        method: body === undefined ? 'GET' : 'POST',
        headers: { host: new URL(url).host },
        agent: false,
      }
      const sent = request(options, (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => (text += chunk.toString()))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }
})

/**
 * What comes back for words until the far end is done. `before` goes first and is answered first; then the end waits for the words, since
 * Envoy takes the end of an HTTP/1.1 client for the end of its connection.
 */
function echo(host: string, port: number, words: string, before?: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, allowHalfOpen: true })
    let text = ''
    socket.on('connect', () => (before === undefined ? socket.end(words) : socket.write(before)))
    socket.on('data', (chunk: Buffer) => {
      if (before !== undefined && text === '') socket.write(words)
      text += chunk.toString()
      if (before !== undefined && text.endsWith(words)) socket.end()
    })
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve(text))
  })
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, 'did not happen within 30 s')
    await sleep(50)
  }
}
