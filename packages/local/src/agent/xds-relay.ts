// The control plane on a Unix socket, for gRPC libraries that ask for themselves: not all of them can show a certificate to an xDS
// server. Bytes go on over mutual TLS with the workload's SVID; who may open the socket (0600, in a folder of 0700) is that workload.
import { chmodSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { err, type Logger, ok, type Result } from '@weft/core'
import { controlPlaneCheck } from './control-plane-name.ts'
import type { CaEndpoint } from './sign-client.ts'
import type { Svid } from './svid.ts'

/** One workload's way to the control plane. */
export interface XdsRelay {
  /** New connections show this one. */
  set(svid: Svid): void
  close(): void
}

/** A library has one connection, or one per channel. */
const MAX_CONNECTIONS = 64
const CONNECT_TIMEOUT_MS = 10_000

/** Binds `path` (at most 107 bytes) with mode 0600. */
export function startXdsRelay(
  path: string,
  endpoint: () => CaEndpoint | undefined,
  log: Logger,
): Promise<Result<XdsRelay>> {
  let svid: Svid | undefined
  const open = new Set<Socket>()
  const server = createServer((near) => {
    const target = endpoint()
    near.on('error', () => near.destroy())
    if (target === undefined || svid === undefined) {
      near.destroy()
      return
    }
    open.add(near)
    const far = relay(near, target, svid, (reason) =>
      log.warn('no way to the control plane for a gRPC library', { reason }),
    )
    near.once('close', () => {
      open.delete(near)
      far.destroy()
    })
  })
  server.maxConnections = MAX_CONNECTIONS
  return new Promise((resolve) => {
    server.once('error', (error) => resolve(err(`cannot serve xDS on ${path}: ${error.message}`)))
    server.listen(path, () => {
      chmodSync(path, 0o600)
      resolve(
        ok({
          set: (next) => void (svid = next),
          close() {
            server.close()
            for (const socket of open) socket.destroy()
          },
        }),
      )
    })
  })
}

/** Joins a connection to one of its own to the control plane; what ends at one end ends at the other. */
function relay(near: Socket, endpoint: CaEndpoint, svid: Svid, onProblem: (reason: string) => void): Socket {
  const colon = endpoint.target.lastIndexOf(':')
  const far = connectTls({
    host: endpoint.target.slice(0, colon),
    port: Number(endpoint.target.slice(colon + 1)),
    // An IP address may not be sent as SNI (RFC 6066).
    servername: 'weft-control',
    ca: endpoint.rootsPem,
    cert: svid.certificateChainPem,
    key: svid.privateKeyPem,
    ALPNProtocols: ['h2'],
    minVersion: 'TLSv1.3',
    checkServerIdentity: controlPlaneCheck(endpoint.trustDomain),
  })
  const timer = setTimeout(() => far.destroy(new Error('the control plane does not answer')), CONNECT_TIMEOUT_MS)
  far.once('secureConnect', () => {
    clearTimeout(timer)
    near.pipe(far)
    far.pipe(near)
  })
  far.on('error', (error) => onProblem(error.message))
  far.once('close', () => {
    clearTimeout(timer)
    near.destroy()
  })
  return far
}
