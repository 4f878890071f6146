// The services know no address but each other's names: all that a mesh's sidecar needs to be is the HTTP proxy of their environment.
// `fetch` then asks for a tunnel (CONNECT), `node:http` sends requests in absolute form; the shop must use both.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { checks, openCheckContext, type CheckContext } from './check.ts'
import { startPlainShop, type PlainShop } from './plain-shop.ts'

const addresses = new Map<string, string>()
const tunnelled = new Set<string>()
const absolute = new Set<string>()
const handedOn: { path: string; headers: IncomingMessage['headers'] }[] = []
const dataDir = mkdtempSync(join(tmpdir(), 'bookstore-proxy-'))
const proxy = createServer(forward)
let shop: PlainShop
let context: CheckContext

proxy.on('connect', (request, socket) => {
  const { hostname } = new URL(`http://${request.url}`)
  tunnelled.add(hostname)
  const { port } = new URL(addresses.get(hostname === 'inventory' ? 'inventory-grpc' : hostname) ?? '')
  const upstream = connect(Number(port), '127.0.0.1', () => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    upstream.pipe(socket).pipe(upstream)
  })
  upstream.on('error', () => socket.destroy())
  socket.on('error', () => upstream.destroy())
})

function forward(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '')
  absolute.add(url.hostname)
  handedOn.push({ path: url.pathname, headers: request.headers })
  const target = new URL(url.pathname + url.search, addresses.get(url.hostname))
  const upstream = httpRequest(target, { method: request.method ?? 'GET', headers: request.headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  upstream.on('error', () => response.destroy())
  request.pipe(upstream)
}

describe('the bookstore behind an HTTP proxy, by names', () => {
  before(async () => {
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const onListening = (name: string, url: string): unknown => addresses.set(name, url)
    shop = await startPlainShop({ dataDir, proxyUrl, onListening, env: { DELIVERY_STAGE_MS: '50' } })
    context = openCheckContext(shop.shopUrl)
  })
  after(async () => {
    context.close()
    await shop.stop()
    proxy.close()
    proxy.closeAllConnections()
    rmSync(dataDir, { recursive: true, force: true })
  })

  test('everything a customer does works', async () => {
    for (const check of checks.filter((candidate) => candidate.needs === 'shop')) {
      const { seen, ok } = await check.run(context)
      assert.ok(ok, `${check.name}: expected ${check.expected}, saw ${seen}`)
    }
  })

  test('streams and gRPC go through tunnels, everything else is asked in absolute form', () => {
    assert.deepEqual([...tunnelled].sort(), ['catalog', 'delivery', 'inventory'])
    assert.deepEqual([...absolute].sort(), ['catalog', 'customers', 'delivery', 'orders', 'payments'])
  })

  test('the request’s id, its trace and the reader’s name travel two services far', async () => {
    await context.request('/register', { form: { name: 'dora', password: 'dora-secret' }, visitor: 'dora' })
    handedOn.splice(0)
    const headers = {
      'idempotency-key': 'k',
      'x-request-id': 'id-1',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      'x-test': 'none',
      'x-user': 'mallory',
    }
    const address = { recipient: 'D', street: 'S 1', postcode: '1', city: 'T' }
    const card = { number: '4242424242424242', expires: '12/39' }
    const json = { lines: [{ isbn: '9781950000012', quantity: 1 }], address, card }
    assert.equal((await context.request('/api/orders', { json, headers, visitor: 'dora' })).status, 201)
    const payment = handedOn.find(({ path }) => path === '/authorisations')
    assert.equal(payment?.headers['x-request-id'], 'id-1')
    assert.equal(payment?.headers['traceparent'], headers.traceparent)
    assert.equal(payment?.headers['x-test'], 'none')
    assert.equal(payment?.headers['x-user'], 'dora')
  })
})
