// An impostor among catalog's endpoints: it listens where the mesh believes an instance of catalog v2 to be, with a certificate of our
// own CA, but of another workload. The proxy that calls must refuse it; with the right certificate it is answered, which shows that
// nothing but the name was the reason.
import { createServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Check, CheckContext, CheckOutcome } from './check-context.ts'
import { enterAs, isbn } from './customers.ts'
import { accessOf } from './identity.ts'
import type { MeshInstance } from './mesh-access.ts'

// Far from the addresses that are given to instances.
const impostorAddress = '127.66.250.250'
const requests = 30
const believeTimeoutMs = 5_000

export const impostorChecks: readonly Check[] = [
  {
    name: 'a server of catalog with catalog’s id',
    expected: 'tried, requests served',
    needs: 'mesh',
    run: (context) => asked(context, 'catalog', true),
  },
  {
    name: 'a server of catalog with payments’ id',
    expected: 'tried, refused, nobody notices',
    needs: 'mesh',
    run: (context) => asked(context, 'payments', false),
  },
]

interface Impostor {
  readonly server: Server
  /** Connections that came, and requests that were let through on them. */
  readonly seen: { connections: number; requests: number }
}

async function asked(context: CheckContext, serviceAccount: string, wanted: boolean): Promise<CheckOutcome> {
  const mesh = accessOf(context)
  const model = (await mesh.instances()).find(({ workload }) => workload === 'catalog-v2')
  if (model === undefined) return { seen: 'no catalog v2', ok: false }
  const identity = await mesh.issue({ uris: [`spiffe://cluster.local/ns/bookstore/sa/${serviceAccount}`] })
  const impostor = await startImpostor(identity, model.ports[0]?.port ?? 8080)
  const added = await mesh.addInstance(instanceLike(model, `catalog-v2-${serviceAccount}`))
  try {
    const statuses = await askUntilTried(context, impostor)
    const { connections, requests: served } = impostor.seen
    const bad = statuses.filter((status) => status !== 200)
    const seen = `${connections > 0 ? 'tried' : 'not tried'}, ${served} requests served, ${bad.length} of ${statuses.length} answers not 200`
    const ok = connections > 0 && bad.length === 0 && (wanted ? served > 0 : served === 0)
    return { seen, ok }
  } finally {
    await added.remove()
    impostor.server.close()
    impostor.server.closeAllConnections()
    // The proxies must have forgotten the address before the next check.
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

async function askUntilTried(context: CheckContext, impostor: Impostor): Promise<number[]> {
  await enterAs(context, 'jason', 'jason')
  const statuses: number[] = []
  const startedAt = performance.now()
  while (
    statuses.length < requests ||
    (impostor.seen.connections === 0 && performance.now() - startedAt < believeTimeoutMs)
  ) {
    statuses.push((await context.request(`/api/books/${isbn}`, { visitor: 'jason' })).status)
  }
  return statuses
}

function instanceLike(model: MeshInstance, name: string): MeshInstance {
  return {
    ...model,
    name,
    address: impostorAddress,
    appAddress: impostorAddress,
    outboundTcp: {},
    ready: true,
    draining: false,
  }
}

async function startImpostor(identity: { cert: string; key: string; ca: string }, port: number): Promise<Impostor> {
  const seen = { connections: 0, requests: 0 }
  const options = { ...identity, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' as const }
  const server = createServer({ ...options, ALPNProtocols: ['http/1.1'] }, (_request, response) => {
    seen.requests += 1
    response.writeHead(200, {
      'content-type': 'application/json',
      'x-catalog-version': 'impostor',
      connection: 'close',
    })
    response.end(JSON.stringify({ isbn, title: 'The Impostor', author: 'Nobody', priceCents: 1 }))
  })
  server.on('connection', (socket: Socket) => {
    seen.connections += 1
    socket.on('error', () => socket.destroy())
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, impostorAddress, resolve)
  })
  if ((server.address() as AddressInfo).port !== port) throw new Error('another port was bound')
  return { server, seen }
}
