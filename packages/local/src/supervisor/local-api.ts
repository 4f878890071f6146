// What the supervisor tells `weft status`, and takes from it, over a Unix socket that only the user can open.
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { err, ok, type Result } from '@weft/core'
import type { IdentityStatus } from '../agent/host-agent.ts'
import type { RestartedProxy } from './fleet.ts'
import type { InstanceStatus } from './instance-runner.ts'

/** The answer of `GET /status`. */
export interface LocalStatus {
  readonly instances: readonly InstanceStatus[]
  readonly identities: readonly IdentityStatus[]
  readonly control: { readonly pid: number | undefined; readonly restarts: number }
  /** Without root, another local process of the user can use any sidecar: nothing isolates workloads from each other. */
  readonly isolation: 'none'
}

/** What the supervisor does for others. */
export interface LocalActions {
  status(): LocalStatus
  rotate(): void
  /** Replaces the proxies of what is called so; see `Fleet.restartProxies`. */
  restartProxies(workload: string, drainMs: number | undefined): Promise<readonly RestartedProxy[]>
}

type Reply = readonly [code: number, body: unknown]

/** Serves on `path`. `GET /status`, `POST /rotate`, `POST /restart-proxy?workload=NAME&drainMs=N`. */
export function startLocalApi(path: string, actions: LocalActions): Promise<Result<{ close(): void }>> {
  const server = createServer((request, response) => {
    void reply(request, actions)
      .catch((error: unknown): Reply => [500, { error: String(error) }])
      .then(([code, body]) =>
        response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      )
  })
  return new Promise((resolve) => {
    server.once('error', (error) => resolve(err(`cannot serve on ${path}: ${error.message}`)))
    server.listen(path, () => {
      chmodSync(path, 0o600)
      const close = (): void => {
        server.close()
        server.closeAllConnections()
        rmSync(path, { force: true })
      }
      resolve(ok({ close }))
    })
  })
}

async function reply({ method, url = '' }: IncomingMessage, actions: LocalActions): Promise<Reply> {
  const { pathname, searchParams } = new URL(url, 'http://local')
  if (pathname === '/status' && method === 'GET') return [200, actions.status()]
  if (pathname === '/rotate' && method === 'POST') {
    actions.rotate()
    return [202, { rotating: true }]
  }
  if (pathname === '/restart-proxy' && method === 'POST') {
    const drain = searchParams.get('drainMs')
    const drainMs = drain === null ? undefined : Number(drain)
    if (drainMs !== undefined && !(drainMs >= 0)) return [400, { error: 'drainMs must be milliseconds' }]
    return [200, { proxies: await actions.restartProxies(searchParams.get('workload') ?? '', drainMs) }]
  }
  return [404, { error: 'GET /status, POST /rotate or POST /restart-proxy?workload=NAME' }]
}
