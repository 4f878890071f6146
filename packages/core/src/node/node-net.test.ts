import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, connect as netConnect, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { Transport, TransportClose } from '../transport.ts'
import { nodeNet } from './node-net.ts'
import { parseSubjectAltName } from './peer-identity.ts'

function open(port: number): Promise<Transport> {
  return new Promise((resolve, reject) =>
    nodeNet.connect({ host: '127.0.0.1', port }, resolve, (close) => reject(new Error(close.reason))),
  )
}

/** Collects everything a transport delivers. */
function collect(transport: Transport): { text: string; ended: boolean; closed: Promise<TransportClose> } {
  const seen = { text: '', ended: false, closed: undefined as unknown as Promise<TransportClose> }
  seen.closed = new Promise((resolve) => {
    transport.handler = {
      onData: (chunk) => {
        seen.text += chunk.toString('latin1')
      },
      onEnd: () => {
        seen.ended = true
      },
      onDrain: () => {},
      onClose: resolve,
    }
  })
  return seen
}

test('a connection passes bytes both ways and half-closes', async () => {
  const accepted: Transport[] = []
  const listener = await nodeNet.listen({ host: '127.0.0.1', port: 0 }, (transport) => accepted.push(transport))
  assert.ok(listener.ok)
  const client = await open(listener.value.port)
  const atClient = collect(client)
  client.resume()
  while (accepted.length === 0) await new Promise(setImmediate)
  const server = accepted[0] as Transport
  const atServer = collect(server)
  server.resume()
  client.writeLatin1('ping')
  client.end()
  while (!atServer.ended) await new Promise(setImmediate)
  assert.equal(atServer.text, 'ping')
  server.write(Buffer.from('x'.repeat(100_000)))
  server.end()
  assert.deepEqual((await atClient.closed).reason, 'closed')
  assert.equal(atClient.text.length, 100_000)
  assert.equal((await atServer.closed).reason, 'closed')
  assert.equal(server.remotePort, client.localPort)
  await listener.value.close()
})

test('a refused connection says so, and a reset is told from a close', async () => {
  const server = createServer((socket) => {
    socket.once('data', () => socket.resetAndDestroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = await open(port)
  const seen = collect(client)
  client.resume()
  client.writeLatin1('x')
  assert.equal((await seen.closed).reason, 'reset')
  server.close()
  await once(server, 'close')
  await assert.rejects(open(port), /refused/)
})

test('nothing is delivered while a transport is paused', async () => {
  const server = createServer((socket) => socket.end('hello'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = await open((server.address() as AddressInfo).port)
  const seen = collect(client)
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(seen.text, '')
  client.resume()
  while (!seen.ended) await new Promise(setImmediate)
  assert.equal(seen.text, 'hello')
  client.destroy()
  assert.equal((await seen.closed).reason, 'local')
  server.close()
})

test('a port in use is an error value', async () => {
  const first = await nodeNet.listen({ host: '127.0.0.1', port: 0 }, () => {})
  assert.ok(first.ok)
  const second = await nodeNet.listen({ host: '127.0.0.1', port: first.value.port }, () => {})
  assert.equal(second.ok, false)
  await first.value.close()
  const socket = netConnect(first.value.port, '127.0.0.1')
  await assert.rejects(once(socket, 'connect'))
})

test('subject alternative names are read with their quoting, and unreadable text names nobody', () => {
  assert.deepEqual(parseSubjectAltName('URI:spiffe://a/b, DNS:c.example'), {
    uris: ['spiffe://a/b'],
    dnsNames: ['c.example'],
    ipAddresses: [],
  })
  assert.deepEqual(parseSubjectAltName('DNS:"a, URI:spiffe://evil/x", IP Address:10.0.0.1').uris, [])
  assert.deepEqual(parseSubjectAltName('IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1').ipAddresses, [
    '10.0.0.1',
    '0:0:0:0:0:0:0:1',
  ])
  const nobody = { uris: [], dnsNames: [], ipAddresses: [] }
  assert.deepEqual(parseSubjectAltName('DNS:a"b, URI:spiffe://a/b'), nobody)
  assert.deepEqual(parseSubjectAltName(undefined), nobody)
})
