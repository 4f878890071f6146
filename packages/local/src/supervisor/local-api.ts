// What the supervisor tells `weft status`, and takes from it, over a Unix socket that only the user can open.
import { chmodSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { err, ok, type Result } from '@weft/core'
import type { IdentityStatus } from '../agent/host-agent.ts'
import type { InstanceStatus } from './instance-runner.ts'

/** The answer of `GET /status`. */
export interface LocalStatus {
  readonly instances: readonly InstanceStatus[]
  readonly identities: readonly IdentityStatus[]
  readonly control: { readonly pid: number | undefined; readonly restarts: number }
  /** Without root, another local process of the user can use any sidecar: nothing isolates workloads from each other. */
  readonly isolation: 'none'
}

/** Serves on `path`. `GET /status`, `POST /rotate`. */
export function startLocalApi(
  path: string,
  actions: { readonly status: () => LocalStatus; readonly rotate: () => void },
): Promise<Result<{ close(): void }>> {
  const server = createServer((request, response) => {
    const answer = (code: number, body: unknown): void => {
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    if (request.url === '/status' && request.method === 'GET') answer(200, actions.status())
    else if (request.url === '/rotate' && request.method === 'POST') {
      actions.rotate()
      answer(202, { rotating: true })
    } else answer(404, { error: 'GET /status or POST /rotate' })
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
