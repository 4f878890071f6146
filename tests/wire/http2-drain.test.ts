// A proxy that drains HTTP/2 serves every request that left its client: what a client is refused then never reached the wire (RFC 9113 6.8).
import assert from 'node:assert/strict'
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { once } from '@weft/testkit/once'
import { within } from '@weft/testkit/within'
import { everythingTo, httpListener, startProxy, staticCluster } from './proxy-under-test.ts'
import { answering } from './raw-http.ts'

const headersFrame = 1
const resetFrame = 3
const prefaceBytes = 24
const frameHeadBytes = 9
const firstStream = 1

/** Stands between a client and `port`, and keeps the ids of streams by what was seen of them. */
async function watchedWire(
  port: number,
): Promise<{ port: number; sent: Set<number>; reset: Set<number>; close(): void }> {
  const sent = new Set<number>()
  const reset = new Set<number>()
  const open: Socket[] = []
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    open.push(near, far)
    watch(near, prefaceBytes, (type, id) => type === headersFrame && sent.add(id))
    watch(far, 0, (type, id) => type === resetFrame && reset.add(id))
    near.pipe(far).pipe(near)
    for (const socket of [near, far]) {
      socket.on('error', () => undefined)
      socket.on('close', () => void (near.destroy(), far.destroy()))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = (): void => {
    server.close()
    for (const socket of open) socket.destroy()
  }
  return { port: (server.address() as AddressInfo).port, sent, reset, close }
}

function watch(socket: Socket, skip: number, onFrame: (type: number, id: number) => unknown): void {
  let pending = Buffer.alloc(0)
  let skipped = false
  socket.on('data', (bytes: Buffer) => {
    pending = Buffer.concat([pending, bytes])
    if (!skipped && pending.length < skip) return
    if (!skipped) pending = pending.subarray(skip)
    skipped = true
    while (pending.length >= frameHeadBytes) {
      const end = frameHeadBytes + pending.readUIntBE(0, 3)
      if (pending.length < end) return
      onFrame(pending.readUInt8(3), pending.readUInt32BE(5))
      pending = pending.subarray(end)
    }
  })
}

/** Asks until the session takes no more, and tells once a few were answered; stream ids by how they ended. */
async function askUntilClosed(session: ClientHttp2Session, onUnderWay: () => void): Promise<Map<number, string>> {
  const ends = new Map<number, string>()
  const running: Promise<void>[] = []
  let told = false
  while (!session.closed && !session.destroyed) {
    for (let each = 0; each < 5 && !session.closed; each++) running.push(askOnce(session, ends))
    await new Promise((resolve) => setImmediate(resolve))
    if (told || ends.size < 10) continue
    told = true
    onUnderWay()
  }
  await Promise.all(running)
  return ends
}

function askOnce(session: ClientHttp2Session, ends: Map<number, string>): Promise<void> {
  const over = new Promise<void>((resolve) => {
    const stream = session.request({ ':path': '/' })
    let status: number | undefined
    // A request that never leaves keeps no id once it is closed.
    let id = stream.id
    stream.on('ready', () => (id = stream.id))
    stream.on('response', (headers) => (status = headers[':status']))
    stream.on('error', () => undefined)
    stream.on('close', () => {
      const code = stream.rstCode ?? 0
      if (id !== undefined) ends.set(id, code === constants.NGHTTP2_REFUSED_STREAM ? 'refused' : String(status ?? code))
      resolve()
    })
    stream.resume()
  })
  return within('the end of a request', over)
}

test('every request that left a client is answered while its connection drains; what the client refuses itself was never sent', async (t) => {
  const backend = await answering('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
  const clusters = [staticCluster('b', [backend.port])]
  t.after(() => backend.close())
  let answered = 0
  let refused = 0
  for (let round = 0; round < 20; round++) {
    // However slow the machine: what is cut off when the drain's time is over would be told as cancelled.
    const proxy = await startProxy({ listeners: [httpListener('in', everythingTo('b'))], clusters }, undefined, 60_000)
    t.after(() => proxy.close())
    const wire = await watchedWire(proxy.portOf('in'))
    t.after(() => wire.close())
    const session = connectHttp2(`http://127.0.0.1:${wire.port}`)
    t.after(() => session.destroy())
    session.on('error', () => undefined)
    await askOnce(session, new Map())
    // However slow the machine: the drain begins among requests that are answered, each time at another moment.
    const ends = await askUntilClosed(session, () => setTimeout(() => proxy.apply({ clusters }), round))
    wire.sent.delete(firstStream)
    for (const id of wire.sent) assert.equal(ends.get(id), '200', `stream ${id} of round ${round} was sent`)
    for (const [id, end] of ends) {
      if (end === '200') answered += 1
      else assert.deepEqual([end, wire.sent.has(id)], ['refused', false], `stream ${id} of round ${round}`)
      if (end === 'refused') refused += 1
    }
    assert.deepEqual([...wire.reset], [], 'the proxy resets nothing')
    session.destroy()
    wire.close()
    await proxy.close()
  }
  t.diagnostic(`${answered} answered, ${refused} refused by the client before they were sent`)
  assert.ok(answered > 100)
})
