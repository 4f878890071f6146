// An order's progress over a WebSocket: Node's own client on one side, the shop on the other, all proxies between them.
import { randomUUID } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import type { Check, CheckContext, CheckOutcome } from './check-context.ts'
import { address, enterAs, goodCard, isbn } from './customers.ts'

const deliveryTimeoutMs = 30_000

export const liveChecks: readonly Check[] = [
  {
    name: 'an order’s progress over a WebSocket',
    expected: 'stages up to delivered, closed with 1000',
    needs: 'shop',
    run: progress,
  },
  {
    name: 'the same without logging in',
    expected: '401, no WebSocket',
    needs: 'shop',
    async run(context) {
      const status = await handshakeStatus(`${context.shopUrl}/api/orders/L0/live`)
      return { seen: String(status), ok: status === 401 }
    },
  },
]

async function progress(context: CheckContext): Promise<CheckOutcome> {
  await enterAs(context, 'jason', 'jason')
  const json = { lines: [{ isbn, quantity: 1 }], address, card: goodCard }
  const placed = await context.request('/api/orders', {
    json,
    headers: { 'idempotency-key': randomUUID() },
    visitor: 'jason',
  })
  const { id } = JSON.parse(placed.text) as { id: string }
  const url = `${context.shopUrl.replace(/^http/, 'ws')}/api/orders/${id}/live`
  const { stages, code } = await listen(url, context.cookies('jason'))
  const ok = code === 1000 && stages.length >= 2 && stages.at(-1) === 'delivered'
  return { seen: `${stages.join(', ')}; closed with ${code}`, ok }
}

function listen(url: string, cookie: string): Promise<{ stages: string[]; code: number }> {
  // Node's client takes headers, unlike a browser's, for which the cookie goes by itself.
  const socket = new WebSocket(url, { headers: { cookie } } as unknown as string[])
  const stages: string[] = []
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.close(), deliveryTimeoutMs)
    socket.onmessage = ({ data }) => stages.push((JSON.parse(String(data)) as { stage: string }).stage)
    socket.onclose = ({ code }) => {
      clearTimeout(timer)
      resolve({ stages, code })
    }
  })
}

function handshakeStatus(url: string): Promise<number> {
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { headers, agent: false, timeout: 5_000 }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    request.on('upgrade', (_response, socket) => {
      socket.destroy()
      resolve(101)
    })
    request.on('timeout', () => request.destroy(new Error('no answer')))
    request.on('error', reject)
    request.end()
  })
}
