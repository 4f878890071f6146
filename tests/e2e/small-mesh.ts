// A mesh of three: a gateway, `front` and `back`, each application a few lines. For tests that replace processes while others talk.
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execFile } from 'node:child_process'
import { freePort } from '@weft/testkit/ports'
import { type MeshDirectory, type MeshRun, runMesh } from './mesh-under-test.ts'

const repository = join(import.meta.dirname, '../..')

/**
 * `/` says version and process id; `/through` asks `back` for the same; `/stream` sends a numbered line every few milliseconds,
 * `/through/stream` the one of `back`.
 */
const application = `
import { createServer, request } from 'node:http'
const { HOST, PORT, VERSION } = process.env
createServer((incoming, response) => {
  const url = new URL(incoming.url, 'http://me')
  if (url.pathname.startsWith('/through')) {
    const path = url.pathname.slice('/through'.length) + url.search
    const asked = request({ host: 'back', path: path || '/', method: incoming.method, headers: { host: 'back' } }, (answer) => {
      response.writeHead(answer.statusCode)
      answer.pipe(response)
      answer.on('error', () => response.destroy())
    })
    asked.on('error', (error) => response.writeHead(502).end(String(error)))
    incoming.pipe(asked)
    return
  }
  // Not before the request is whole: an answer to half a request costs its sender the connection.
  incoming.resume()
  if (url.pathname !== '/stream') return incoming.on('end', () => response.end(VERSION + ' ' + process.pid))
  const lines = Number(url.searchParams.get('lines'))
  let sent = 0
  const timer = setInterval(() => {
    response.write('line ' + (sent += 1) + '\\n')
    if (sent === lines) { clearInterval(timer); response.end() }
  }, Number(url.searchParams.get('everyMs')))
  response.on('close', () => clearInterval(timer))
}).listen(PORT, HOST)
`

const service = (name: string): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: small }
spec: { selector: { app: ${name} }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: ${name}, namespace: small, labels: { app: ${name} } }
spec:
  command: [node, app.mjs]
  ports: [{ name: http, port: 8080 }]
  serviceAccount: ${name}
  env: { VERSION: one }
  readiness: { httpGet: { path: /, port: 8080 }, periodSeconds: 0.2 }
`

const gateway = (port: number): string => `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: gateway, namespace: small, labels: { app: gateway } }
spec: { proxy: gateway, address: 127.0.0.1, serviceAccount: gateway, concurrency: 2 }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: door, namespace: small }
spec:
  selector: { app: gateway }
  servers: [{ port: { number: ${port}, name: http, protocol: HTTP }, hosts: ["*"] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: door, namespace: small }
spec:
  hosts: ["*"]
  gateways: [door]
  http: [{ name: all, route: [{ destination: { host: front, port: { number: 80 } } }] }]
`

/** What the supervisor tells of an instance, as far as these tests look. */
export interface InstanceSeen {
  readonly name: string
  readonly appPid: number
  readonly proxyPids: readonly number[]
  readonly retiringProxyPids: readonly number[]
  readonly proxyEpoch: number
  readonly proxyRestarts: number
}

export interface SmallMesh {
  readonly run: MeshRun
  readonly directory: MeshDirectory
  /** Of the gateway. */
  readonly url: string
  instance(name: string): Promise<InstanceSeen>
  /** Where its proxy is found. */
  addressOf(name: string): string
  /** Runs a `weft` command on this mesh. */
  weft(args: readonly string[]): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>
}

/** Writes the mesh to a directory of its own. */
export async function smallMeshDirectory(): Promise<MeshDirectory> {
  const path = mkdtempSync(join(tmpdir(), 'weft-small-'))
  const gatewayPort = await freePort()
  mkdirSync(join(path, 'mesh'))
  writeFileSync(join(path, 'app.mjs'), application)
  writeFileSync(join(path, 'mesh/front.yaml'), service('front'))
  writeFileSync(join(path, 'mesh/back.yaml'), service('back'))
  writeFileSync(join(path, 'mesh/gateway.yaml'), gateway(gatewayPort))
  return {
    path,
    gatewayPort,
    read: (file) => readFileSync(join(path, file), 'utf8'),
    replace(file, text) {
      writeFileSync(join(path, `${file}.new~`), text)
      renameSync(join(path, `${file}.new~`), join(path, file))
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}

/** Runs it, with further arguments of `weft up`, and waits until all workloads are ready. */
export async function startSmallMesh(directory: MeshDirectory, args: readonly string[] = []): Promise<SmallMesh> {
  const run = runMesh(directory, args)
  await run.waitForLine(/workloads are ready/).catch(async (error: unknown) => {
    await run.stop()
    throw error
  })
  const main = join(repository, 'packages/cli/src/main.ts')
  return {
    run,
    directory,
    url: `http://127.0.0.1:${directory.gatewayPort}`,
    weft: (args) =>
      new Promise((resolve) => {
        const options = { env: { ...process.env, NODE_NO_WARNINGS: '1' }, timeout: 120_000 }
        execFile(process.execPath, [main, ...args, '--dir', directory.path], options, (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
        )
      }),
    addressOf(name) {
      const registry = JSON.parse(directory.read('.weft/registry/instances.json')) as {
        readonly instances: readonly { readonly name: string; readonly address: string }[]
      }
      const found = registry.instances.find((one) => one.name === name)
      if (found === undefined) throw new Error(`no instance ${name}`)
      return found.address
    },
    async instance(name) {
      const { socket } = JSON.parse(directory.read('.weft/run/supervisor.json')) as { socket: string }
      const found = (await supervisorStatus(socket)).instances.find((one) => one.name === name)
      if (found === undefined) throw new Error(`no instance ${name}`)
      return found
    },
  }
}

function supervisorStatus(socketPath: string): Promise<{ instances: readonly InstanceSeen[] }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path: '/status', agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('end', () => resolve(JSON.parse(text) as { instances: readonly InstanceSeen[] }))
    })
    sent.on('error', reject)
    sent.end()
  })
}
