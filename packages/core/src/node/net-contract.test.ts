// What `Net` and `Transport` promise, kept by both kinds of sockets.
import assert from 'node:assert/strict'
import { createHash, type Hash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, connect as netConnect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { once } from '@weft/testkit/once'
import { until } from '@weft/testkit/until'
import type { Net, Transport, TransportClose } from '../transport.ts'
import { nodeNet } from './node-net.ts'
import { loadRawBindings } from './raw-bindings.ts'
import { rawNet } from './raw-net.ts'
import { ignoreTransport } from './socket-transport.ts'
import { Turn } from './turn.ts'

const bindings = loadRawBindings()
assert.ok(bindings.ok)

function open(net: Net, port: number): Promise<Transport> {
  return new Promise((resolve, reject) =>
    net.connect({ host: '127.0.0.1', port }, resolve, (close) => reject(new Error(close.reason))),
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

/** Both ends of a fresh connection. */
async function pair(net: Net): Promise<{ near: Transport; far: Transport; close(): Promise<void> }> {
  const accepted: Transport[] = []
  const listener = await net.listen({ host: '127.0.0.1', port: 0 }, (transport) => accepted.push(transport))
  assert.ok(listener.ok)
  const near = await open(net, listener.value.port)
  await until(() => accepted.length > 0)
  return { near, far: accepted[0] as Transport, close: () => listener.value.close() }
}

/** Digests everything a transport delivers. */
function hashed(transport: Transport): { hash: Hash; bytes: number; ended: boolean } {
  const seen = { hash: createHash('sha256'), bytes: 0, ended: false }
  transport.handler = {
    ...ignoreTransport,
    onData: (chunk) => {
      seen.hash.update(chunk)
      seen.bytes += chunk.length
    },
    onEnd: () => {
      seen.ended = true
    },
  }
  return seen
}

for (const [kind, net] of [
  ['net.Socket', nodeNet],
  ['raw handles', rawNet(bindings.value)],
  ['raw handles that gather', rawNet(bindings.value, new Turn().always())],
] as const) {
  test(`${kind}: a connection passes bytes both ways and half-closes`, async () => {
    const accepted: Transport[] = []
    const listener = await net.listen({ host: '127.0.0.1', port: 0 }, (transport) => accepted.push(transport))
    assert.ok(listener.ok)
    const client = await open(net, listener.value.port)
    const atClient = collect(client)
    client.resume()
    await until(() => accepted.length > 0)
    const server = accepted[0] as Transport
    const atServer = collect(server)
    server.resume()
    client.writeLatin1('ping')
    client.end()
    await until(() => atServer.ended)
    assert.equal(atServer.text, 'ping')
    server.write(Buffer.from('x'.repeat(100_000)))
    server.end()
    assert.deepEqual((await atClient.closed).reason, 'closed')
    assert.equal(atClient.text.length, 100_000)
    assert.equal((await atServer.closed).reason, 'closed')
    assert.equal(server.remotePort, client.localPort)
    await listener.value.close()
  })

  test(`${kind}: a refused connection says so, and a reset is told from a close`, async () => {
    const server = createServer((socket) => {
      socket.once('data', () => socket.resetAndDestroy())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const client = await open(net, port)
    const seen = collect(client)
    client.resume()
    client.writeLatin1('x')
    assert.equal((await seen.closed).reason, 'reset')
    server.close()
    await once(server, 'close')
    await assert.rejects(open(net, port), /refused/)
  })

  test(`${kind}: nothing is delivered while a transport is paused`, async () => {
    const server = createServer((socket) => socket.end('hello'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = await open(net, (server.address() as AddressInfo).port)
    const seen = collect(client)
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(seen.text, '')
    client.resume()
    await until(() => seen.ended)
    assert.equal(seen.text, 'hello')
    client.destroy()
    assert.equal((await seen.closed).reason, 'local')
    server.close()
  })

  test(`${kind}: a port in use is an error value`, async () => {
    const first = await net.listen({ host: '127.0.0.1', port: 0 }, () => {})
    assert.ok(first.ok)
    const second = await net.listen({ host: '127.0.0.1', port: first.value.port }, () => {})
    assert.equal(second.ok, false)
    await first.value.close()
    const socket = netConnect(first.value.port, '127.0.0.1')
    await assert.rejects(once(socket, 'connect'))
  })

  test(`${kind}: what is written survives the call, however large and however slow its reader`, async () => {
    const { near, far, close } = await pair(net)
    const atFar = hashed(far)
    const sent = createHash('sha256')
    const piece = Buffer.alloc(150_001)
    let total = 0
    let waits = 0
    let drained = (): void => {}
    near.handler = { ...ignoreTransport, onDrain: () => drained() }
    for (let i = 0; waits < 5; i += 1) {
      const bytes = piece.subarray(0, [1, 999, 16_384, 16_385, 65_536, 65_537, 150_001][i % 7])
      bytes.fill(i)
      sent.update(bytes)
      total += bytes.length
      const going =
        i % 2 === 0 || bytes.length > 20_000 ? near.write(bytes) : near.writeLatin1(bytes.toString('latin1'))
      bytes.fill(255)
      if (going) continue
      waits += 1
      // One more on top of what waits already: it must come behind it.
      near.writeLatin1('late')
      sent.update('late')
      total += 4
      const waited = new Promise<void>((resolve) => (drained = resolve))
      far.resume()
      await waited
      assert.equal(near.queuedBytes, 0)
      far.pause()
    }
    near.end()
    far.resume()
    await until(() => atFar.ended)
    assert.equal(atFar.bytes, total)
    assert.equal(atFar.hash.digest('hex'), sent.digest('hex'))
    near.destroy()
    far.destroy()
    await close()
  })

  test(`${kind}: a destroyed connection takes writes without effect and closes once, whatever was under way`, async () => {
    const { near, far, close } = await pair(net)
    let closes = 0
    near.handler = { ...ignoreTransport, onClose: () => (closes += 1) }
    while (near.write(Buffer.alloc(60_000))) continue
    assert.ok(near.queuedBytes > 0)
    near.destroy()
    near.destroy(true)
    assert.equal(closes, 0)
    near.write(Buffer.from('x'))
    near.writeLatin1('x')
    near.end()
    near.resume()
    near.pause()
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(closes, 1)
    assert.equal(near.queuedBytes, 0)
    far.destroy()
    await close()
  })

  test(`${kind}: a connection may be ended from inside any of its callbacks`, async () => {
    for (const where of ['onData', 'onEnd', 'onDrain'] as const) {
      const { near, far, close } = await pair(net)
      const closed = new Promise<TransportClose>((resolve) => {
        near.handler = { ...ignoreTransport, onClose: resolve, [where]: () => near.destroy() }
      })
      near.resume()
      if (where === 'onDrain') while (near.write(Buffer.alloc(60_000))) continue
      far.resume()
      far.writeLatin1('x')
      far.end()
      assert.equal((await closed).reason, 'local')
      far.destroy()
      await close()
    }
  })

  test(`${kind}: the local address is chosen, and one that is not ours is told`, async () => {
    const accepted: Transport[] = []
    const listener = await net.listen({ host: '127.0.0.1', port: 0 }, (transport) => accepted.push(transport))
    assert.ok(listener.ok)
    const { port } = listener.value
    const dial = (localAddress: string): Promise<Transport | TransportClose> =>
      new Promise((resolve) => net.connect({ host: '127.0.0.1', port, localAddress }, resolve, resolve))
    const near = (await dial('127.0.0.9')) as Transport
    await until(() => accepted.length > 0)
    assert.equal(near.localAddress, '127.0.0.9')
    assert.equal(accepted[0]?.remoteAddress, '127.0.0.9')
    assert.equal(((await dial('192.0.2.1')) as TransportClose).reason, 'unreachable')
    near.destroy()
    accepted[0]?.destroy()
    await listener.value.close()
  })

  test(`${kind}: giving up on a connect means that neither outcome is told`, async () => {
    const listener = await net.listen({ host: '127.0.0.1', port: 0 }, (transport) => transport.destroy())
    assert.ok(listener.ok)
    let outcomes = 0
    const count = (): number => (outcomes += 1)
    const giveUp = net.connect({ host: '127.0.0.1', port: listener.value.port }, count, count)
    giveUp()
    giveUp()
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(outcomes, 0)
    await listener.value.close()
  })

  test(`${kind}: names, IPv6 and Unix sockets are reached as well`, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'weft-net-'))
    for (const host of ['::1', 'localhost', join(dir, 'sock')]) {
      const listener = await net.listen({ host, port: 0 }, (transport) => {
        transport.writeLatin1('here')
        transport.end()
        transport.resume()
      })
      assert.ok(listener.ok, host)
      const { port } = listener.value
      const near = await new Promise<Transport>((resolve, reject) =>
        net.connect({ host, port }, resolve, ({ detail }) => reject(new Error(detail))),
      )
      const seen = collect(near)
      near.resume()
      await until(() => seen.ended)
      assert.equal(seen.text, 'here')
      near.end()
      assert.equal((await seen.closed).reason, 'closed')
      await listener.value.close()
    }
    rmSync(dir, { recursive: true })
  })
}

test('raw handles that gather: what was read before another connection paused it is told when it is resumed, its end too', async () => {
  const turn = new Turn().always()
  const net = rawNet(bindings.value, turn)
  const one = await pair(net)
  const other = await pair(net)
  const seen: string[] = []
  const told = (name: string, more: () => void = () => {}): Transport['handler'] => ({
    ...ignoreTransport,
    onData: (chunk) => {
      seen.push(`${name} ${chunk.toString('latin1')}`)
      more()
    },
    onEnd: () => void seen.push(`${name} ends`),
  })
  // Whichever is told first pauses the other.
  one.far.handler = told('one', () => other.far.pause())
  other.far.handler = told('other', () => one.far.pause())
  one.far.resume()
  other.far.resume()
  for (const { near } of [one, other]) {
    near.writeLatin1('hello')
    near.end()
  }
  await until(() => seen.length > 0)
  await new Promise((resolve) => setTimeout(resolve, 20))
  const first = seen[0] === 'one hello' ? 'one' : 'other'
  const second = first === 'one' ? 'other' : 'one'
  assert.deepEqual(seen, [`${first} hello`, `${first} ends`])
  const paused = first === 'one' ? other : one
  paused.far.resume()
  // Twice is once.
  paused.far.pause()
  paused.far.resume()
  await until(() => seen.length >= 4)
  assert.deepEqual(seen.slice(2), [`${second} hello`, `${second} ends`])
  for (const { near, far, close } of [one, other]) {
    near.destroy()
    far.destroy()
    await close()
  }
})
