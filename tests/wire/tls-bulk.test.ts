// Much data through TLS: in order whatever the reader's pace, and without memory that waits for the collector.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { Transport, TransportClose } from '@weft/core'
import { within } from '@weft/testkit/within'
import { netUnderTest } from './net-under-test.ts'
import { testAuthority } from './test-certificates.ts'

const mostGrowthBytes = 16 * 1024 * 1024

/** Both ends of a TLS connection, in the order server, client. */
async function securePair(): Promise<[Transport, Transport]> {
  const net = await netUnderTest()
  const authority = await testAuthority()
  const material = await authority.issue('spiffe://cluster.local/ns/shop/sa/web')
  const far = Promise.withResolvers<Transport>()
  const near = Promise.withResolvers<Transport>()
  const fail = ({ detail }: TransportClose): never => {
    throw new Error(detail)
  }
  const common = { material, alpn: [], verifyPeer: undefined, minVersion: 'TLSv1.3' } as const
  const { rootPem } = authority
  const listener = await net.listen({ host: '127.0.0.1', port: 0 }, (transport) =>
    net.secureServer(
      transport,
      undefined,
      { ...common, clientRootsPem: rootPem, requireClientCertificate: true },
      far.resolve,
      fail,
    ),
  )
  assert.ok(listener.ok)
  net.connect(
    { host: '127.0.0.1', port: listener.value.port },
    (transport) => net.secureClient(transport, { ...common, rootsPem: rootPem, sni: undefined }, near.resolve, fail),
    fail,
  )
  const ends = await Promise.all([far.promise, near.promise])
  await listener.value.close()
  return ends
}

for (const pieceBytes of [1_000, 16_384, 150_000]) {
  test(`pieces of ${pieceBytes} bytes arrive in order at a reader that pauses, and take no memory along`, async () => {
    const [far, near] = await securePair()
    const totalBytes = pieceBytes * Math.ceil(48e6 / pieceBytes / (pieceBytes < 10_000 ? 16 : 1))
    const sent = createHash('sha256')
    const received = createHash('sha256')
    let sentBytes = 0
    const send = (): void => {
      while (sentBytes < totalBytes) {
        const piece = Buffer.alloc(pieceBytes, `piece at ${sentBytes}. `)
        sent.update(piece)
        sentBytes += pieceBytes
        if (!far.write(piece)) return
      }
      far.end()
    }
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    let bytes = 0
    let reads = 0
    const over = new Promise<void>((resolve) => {
      near.handler = {
        onData(chunk) {
          received.update(chunk)
          bytes += chunk.length
          if (++reads % 7 !== 0) return
          near.pause()
          if (reads % 2 === 0) setImmediate(() => near.resume())
          else setTimeout(() => near.resume(), 1)
          most = Math.max(most, process.memoryUsage().arrayBuffers - before)
        },
        onEnd: resolve,
        onDrain() {},
        onClose() {},
      }
    })
    far.handler = { onData() {}, onEnd() {}, onDrain: send, onClose() {} }
    // What is sent before anybody reads waits.
    send()
    await new Promise((resolve) => setTimeout(resolve, 20))
    assert.equal(bytes, 0)
    near.resume()
    await within('all bytes', over)
    assert.equal(bytes, totalBytes)
    assert.equal(received.digest('hex'), sent.digest('hex'))
    // The pieces themselves are the test's; it makes them as fast as they leave.
    assert.ok(pieceBytes > 20_000 || most < mostGrowthBytes, `${most} bytes outside the heap`)
    near.destroy()
    far.destroy()
  })
}
