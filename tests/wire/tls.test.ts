// TLS on whatever carries it: the sockets of this run, and a transport that is no socket (node:tls then works on a stream).
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type {
  NetListener,
  TlsClientOptions,
  TlsMaterial,
  TlsServerOptions,
  Transport,
  TransportClose,
  TransportHandler,
} from '@weft/core'
import { once } from '@weft/testkit/once'
import { netUnderTest } from './net-under-test.ts'
import { testAuthority } from './test-certificates.ts'
import { until } from './test-runtime.ts'

const net = await netUnderTest()
const authority = await testAuthority()
const stranger = await testAuthority()
const serverId = 'spiffe://cluster.local/ns/shop/sa/server'
const clientId = 'spiffe://cluster.local/ns/shop/sa/client'
let server: TlsMaterial
let client: TlsMaterial

before(async () => {
  server = await authority.issue(serverId)
  client = await authority.issue(clientId)
})

const open: Transport[] = []
// What a test leaves open would keep the process alive.
after(() => open.forEach((transport) => transport.destroy()))

type Wrap = (transport: Transport) => Transport

/** A transport that does everything its socket does, but is not known as one. */
const asNoSocket: Wrap = (transport) => ({
  get handler() {
    return transport.handler
  },
  set handler(handler: TransportHandler) {
    transport.handler = handler
  },
  localAddress: transport.localAddress,
  localPort: transport.localPort,
  remoteAddress: transport.remoteAddress,
  remotePort: transport.remotePort,
  peer: undefined,
  alpn: undefined,
  sni: undefined,
  get queuedBytes() {
    return transport.queuedBytes
  },
  resume: () => transport.resume(),
  pause: () => transport.pause(),
  write: (bytes) => transport.write(bytes),
  writeLatin1: (text) => transport.writeLatin1(text),
  end: () => transport.end(),
  destroy: (reset) => transport.destroy(reset),
})

/** What became of one side. */
class Side implements TransportHandler {
  transport: Transport | undefined
  failure: TransportClose | undefined
  bytes = 0
  text = ''
  ended = false
  closed: TransportClose | undefined

  readonly open = (transport: Transport): void => {
    this.transport = transport
    open.push(transport)
    transport.handler = this
    transport.resume()
  }
  readonly fail = (close: TransportClose): void => {
    this.failure = close
  }
  onData(chunk: Buffer): void {
    this.bytes += chunk.length
    if (this.bytes < 10_000) this.text += chunk.toString('latin1')
  }
  onEnd(): void {
    this.ended = true
  }
  onDrain(): void {}
  onClose(close: TransportClose): void {
    this.closed = close
  }
  get settled(): boolean {
    return this.transport !== undefined || this.failure !== undefined
  }
}

const serverOptions = (more: Partial<TlsServerOptions> = {}): TlsServerOptions => ({
  material: server,
  clientRootsPem: authority.rootPem,
  requireClientCertificate: true,
  alpn: ['http/1.1'],
  verifyPeer: ({ spiffeId }) => (spiffeId === clientId ? undefined : `not ${spiffeId}`),
  minVersion: 'TLSv1.3',
  ...more,
})

const clientOptions = (more: Partial<TlsClientOptions> = {}): TlsClientOptions => ({
  material: client,
  rootsPem: authority.rootPem,
  sni: 'outbound.shop',
  alpn: ['h2', 'http/1.1'],
  verifyPeer: ({ spiffeId }) => (spiffeId === serverId ? undefined : `not ${spiffeId}`),
  minVersion: 'TLSv1.3',
  ...more,
})

/** Listens with TLS; `side` is the newest connection's server end. */
async function serve(options: TlsServerOptions, wrap: Wrap): Promise<{ at: NetListener; newest(): Side }> {
  let side = new Side()
  const listening = await net.listen({ host: '127.0.0.1', port: 0 }, (transport) => {
    side = new Side()
    net.secureServer(wrap(transport), undefined, options, side.open, side.fail)
  })
  assert.ok(listening.ok)
  after(() => listening.value.close())
  return { at: listening.value, newest: () => side }
}

/** One handshake; both ends are settled when it resolves. */
async function shake(options: { server?: Partial<TlsServerOptions>; client?: Partial<TlsClientOptions>; wrap: Wrap }) {
  const { at, newest } = await serve(serverOptions(options.server), options.wrap)
  const near = new Side()
  net.connect(
    { host: '127.0.0.1', port: at.port },
    (transport) => net.secureClient(options.wrap(transport), clientOptions(options.client), near.open, near.fail),
    near.fail,
  )
  await until(() => near.settled && newest().settled, 'both sides of the handshake come to an end')
  return { near, far: newest() }
}

for (const [name, wrap] of [
  ['a socket', (transport: Transport) => transport],
  ['a transport that is no socket', asNoSocket],
] as const) {
  test(`over ${name}, both sides learn who the other is, and each direction ends by itself`, async () => {
    const { near, far } = await shake({ wrap })
    const [a, b] = [near.transport as Transport, far.transport as Transport]
    assert.deepEqual([a.peer?.spiffeId, b.peer?.spiffeId], [serverId, clientId])
    assert.deepEqual([a.alpn, b.alpn, b.sni], ['http/1.1', 'http/1.1', 'outbound.shop'])
    assert.equal(a.localPort, b.remotePort)
    assert.equal(b.remoteAddress, '127.0.0.1')
    a.writeLatin1('question')
    a.end()
    await until(() => far.ended, 'the close_notify arrives')
    assert.equal(far.text, 'question')
    const answer = Buffer.alloc(1_000_000, 'x')
    for (let at = 0; at < answer.length; at += 50_000) b.write(answer.subarray(at, at + 50_000))
    b.end()
    await until(() => near.closed !== undefined && far.closed !== undefined, 'both ends close')
    assert.equal(near.bytes, answer.length)
    assert.deepEqual([near.closed?.reason, far.closed?.reason], ['closed', 'closed'])
  })

  test(`over ${name}, a client without a certificate, or with a stranger's, is refused`, async () => {
    const none = await shake({ wrap, client: { material: undefined } })
    assert.equal(none.far.failure?.reason, 'tls')
    const theirs = await shake({ wrap, client: { material: await stranger.issue(clientId) } })
    assert.equal(theirs.far.failure?.reason, 'tls')
    assert.equal(theirs.far.transport, undefined)
    // In TLS 1.3 the client is done before the server has judged it: it learns by the alert.
    const { near } = theirs
    await until(() => near.closed !== undefined || near.failure !== undefined || near.ended, 'the client is told')
  })

  test(`over ${name}, a client with no certificate is served where none is required`, async () => {
    const { near, far } = await shake({
      wrap,
      server: { requireClientCertificate: false },
      client: { material: undefined },
    })
    assert.equal(far.transport?.peer, undefined)
    near.transport?.writeLatin1('hello')
    await until(() => far.text === 'hello', 'the bytes arrive')
  })

  test(`over ${name}, each side's own verdict about the other ends the handshake`, async () => {
    const byServer = await shake({ wrap, server: { verifyPeer: () => 'not this one' } })
    assert.deepEqual(byServer.far.failure, { reason: 'tls', detail: 'not this one' })
    const byClient = await shake({ wrap, client: { verifyPeer: () => 'nor this one' } })
    assert.deepEqual(byClient.near.failure, { reason: 'tls', detail: 'nor this one' })
    const byRoots = await shake({ wrap, client: { rootsPem: stranger.rootPem } })
    assert.equal(byRoots.near.failure?.reason, 'tls')
  })

  test(`over ${name}, garbage and a client that goes away are failures, never a hang or a crash`, async () => {
    const { at, newest } = await serve(serverOptions(), wrap)
    for (const first of ['GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01\x00\x05hello', '\x16\x03\x01\x40\x00', '']) {
      const before = newest()
      const socket = connect(at.port, '127.0.0.1').on('error', () => {})
      await once(socket, 'connect')
      await until(() => newest() !== before, 'the connection is accepted')
      if (first !== '') socket.write(first, 'latin1')
      await new Promise((resolve) => setTimeout(resolve, 20))
      socket.resetAndDestroy()
      await until(() => newest().failure !== undefined, `an outcome for ${JSON.stringify(first)}`)
      assert.equal(newest().failure?.reason, 'tls')
    }
  })

  test(`over ${name}, bytes read before the handshake come first`, async () => {
    const far = new Side()
    const listening = await net.listen({ host: '127.0.0.1', port: 0 }, (transport) => {
      let head = Buffer.alloc(0)
      transport.handler = {
        onData: (chunk) => {
          head = Buffer.concat([head, chunk])
          if (head.length < 50) return
          transport.pause()
          net.secureServer(wrap(transport), head, serverOptions(), far.open, far.fail)
        },
        onEnd() {},
        onDrain() {},
        onClose() {},
      }
      transport.resume()
    })
    assert.ok(listening.ok)
    after(() => listening.value.close())
    const near = new Side()
    net.connect(
      { host: '127.0.0.1', port: listening.value.port },
      (transport) => net.secureClient(transport, clientOptions(), near.open, near.fail),
      near.fail,
    )
    await until(() => near.settled && far.settled, 'the handshake ends')
    near.transport?.writeLatin1('hello')
    await until(() => far.text === 'hello', 'the bytes arrive')
  })

  test(`over ${name}, a connection that one side destroys ends for the other one too`, async () => {
    const { near, far } = await shake({ wrap })
    near.transport?.destroy(true)
    // Whether the other side sees an end or a reset depends on what had not been read yet.
    await until(() => near.closed !== undefined && (far.closed !== undefined || far.ended), 'both ends learn of it')
    assert.equal(near.closed?.reason, 'local')
    assert.notEqual(far.closed?.reason, 'local')
    far.transport?.destroy()
  })
}

test('a client that resumes its session is known by the certificate of its first handshake', async () => {
  const { at, newest } = await serve(serverOptions({ minVersion: 'TLSv1.2' }), (transport) => transport)
  const dir = mkdtempSync(join(tmpdir(), 'weft-tls-'))
  after(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, 'leaf.pem'), client.certificateChainPem)
  writeFileSync(join(dir, 'leaf.key'), client.privateKeyPem)
  const talk = async (version: string, session: string): Promise<string> => {
    const args = ['s_client', '-connect', `127.0.0.1:${at.port}`, version, '-cert', 'leaf.pem', '-key', 'leaf.key']
    const before = newest()
    const child = spawn('openssl', [...args, '-ign_eof', session, `session${version}`], { cwd: dir })
    let said = ''
    child.stdout.on('data', (chunk) => (said += chunk))
    child.stderr.resume()
    child.stdin.write('hello\n')
    const exited = once(child, 'exit')
    await until(() => newest() !== before && (newest().text !== '' || newest().failure !== undefined), 'an outcome')
    const side = newest()
    assert.equal(side.failure, undefined)
    assert.equal(side.transport?.peer?.spiffeId, clientId)
    side.transport?.writeLatin1('bye')
    side.transport?.end()
    await exited
    return said
  }
  for (const version of ['-tls1_3', '-tls1_2']) {
    assert.match(await talk(version, '-sess_out'), /\nNew, TLS/)
    assert.match(await talk(version, '-sess_in'), /\nReused, TLS/)
  }
})
