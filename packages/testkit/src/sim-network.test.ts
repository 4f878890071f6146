import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Transport, TransportClose } from '@weft/core'
import { simMaterial, simRootPem } from './sim-certificate.ts'
import { SimWorld } from './sim-world.ts'

/** Collects what one end sees. */
function record(transport: Transport, seen: string[]): Transport {
  transport.handler = {
    onData: (chunk) => seen.push(`data ${chunk.toString('latin1')}`),
    onEnd: () => seen.push('end'),
    onDrain: () => seen.push('drain'),
    onClose: (close) => seen.push(`close ${close.reason}`),
  }
  transport.resume()
  return transport
}

async function connected(world: SimWorld): Promise<{ client: Transport; server: Transport }> {
  const ends: { client?: Transport; server?: Transport } = {}
  await world.runtimeOf('b').net.listen({ host: '10.0.0.2', port: 80 }, (transport) => {
    ends.server = transport
  })
  world.runtimeOf('a').net.connect(
    { host: '10.0.0.2', port: 80, localAddress: '10.0.0.1' },
    (transport) => {
      ends.client = transport
    },
    (close) => assert.fail(close.detail),
  )
  await world.clock.advance(10)
  assert.ok(ends.client !== undefined && ends.server !== undefined)
  return { client: ends.client, server: ends.server }
}

test('bytes arrive after the latency, in order, and half-close works both ways', async () => {
  const world = new SimWorld(1)
  const { client, server } = await connected(world)
  world.network.latencyMs = [5, 9]
  const seen: string[] = []
  record(server, seen)
  record(client, seen)
  client.writeLatin1('one')
  client.write(Buffer.from('two'))
  client.end()
  await world.clock.advance(4)
  assert.deepEqual(seen, [])
  await world.clock.advance(20)
  assert.deepEqual(seen, ['data one', 'data two', 'end'])
  server.writeLatin1('back')
  server.end()
  await world.clock.advance(40)
  assert.deepEqual(seen.slice(3).sort(), ['close closed', 'close closed', 'data back', 'end'])
  assert.equal(server.remoteAddress, '10.0.0.1')
})

test('a paused reader fills the window, and draining it wakes the writer once', async () => {
  const world = new SimWorld(1)
  const { client, server } = await connected(world)
  const seen: string[] = []
  record(client, seen)
  assert.equal(client.write(Buffer.alloc(60_000)), true)
  assert.equal(client.write(Buffer.alloc(60_000)), false)
  await world.clock.advance(100)
  assert.deepEqual(seen, [])
  assert.equal(client.queuedBytes, 120_000)
  record(server, [])
  await world.clock.advance(100)
  assert.deepEqual(seen, ['drain'])
})

test('killing a host resets its connections and refuses new ones', async () => {
  const world = new SimWorld(1)
  const { client } = await connected(world)
  const seen: string[] = []
  record(client, seen)
  world.network.kill('b')
  await world.clock.advance(10)
  assert.deepEqual(seen, ['close reset'])
  let failed: TransportClose | undefined
  world.runtimeOf('a').net.connect(
    { host: '10.0.0.2', port: 80 },
    () => assert.fail('connected'),
    (close) => {
      failed = close
    },
  )
  await world.clock.advance(10)
  assert.equal(failed?.reason, 'refused')
})

test('a cut link holds bytes back until it is mended', async () => {
  const world = new SimWorld(1)
  const { client, server } = await connected(world)
  const seen: string[] = []
  record(server, seen)
  world.network.cut('a', 'b')
  client.writeLatin1('late')
  await world.clock.advance(1_000)
  assert.deepEqual(seen, [])
  world.network.mend('a', 'b')
  await world.clock.advance(100)
  assert.deepEqual(seen, ['data late'])
})

test('a taken address is refused as the kernel refuses it', async () => {
  const world = new SimWorld(1)
  const net = world.runtimeOf('a').net
  assert.equal((await net.listen({ host: '10.0.0.1', port: 80 }, () => {})).ok, true)
  const second = await net.listen({ host: '10.0.0.1', port: 80 }, () => {})
  assert.match(second.ok ? '' : second.error, /EADDRINUSE/)
})

async function handshake(clientIssuer: string): Promise<{ server: string; client: string }> {
  const world = new SimWorld(1)
  const { client, server } = await connected(world)
  const outcome = { server: '', client: '' }
  const certificate = (name: string, issuer: string) => ({
    spiffeId: `spiffe://cluster.local/ns/x/sa/${name}`,
    dnsNames: [],
    serial: name,
    notBeforeMs: 0,
    notAfterMs: world.clock.wallMs() + 1_000,
    issuer,
  })
  const common = { alpn: ['http/1.1'], verifyPeer: undefined, minVersion: 'TLSv1.3' } as const
  world.runtimeOf('b').net.secureServer(
    server,
    undefined,
    {
      ...common,
      material: simMaterial(certificate('b', 'root')),
      clientRootsPem: simRootPem('root'),
      requireClientCertificate: true,
    },
    (secured) => {
      outcome.server = `${secured.peer?.spiffeId} ${secured.alpn} ${secured.sni}`
      record(secured, []).writeLatin1('hello')
    },
    (close) => {
      outcome.server = close.detail
    },
  )
  const seen: string[] = []
  world.runtimeOf('a').net.secureClient(
    client,
    { ...common, material: simMaterial(certificate('a', clientIssuer)), rootsPem: simRootPem('root'), sni: 'b.x' },
    (secured) => {
      outcome.client = secured.peer?.spiffeId ?? ''
      record(secured, seen)
    },
    (close) => {
      outcome.client = close.detail
    },
  )
  await world.clock.advance(50)
  if (clientIssuer === 'root') assert.deepEqual(seen, ['data hello'])
  return outcome
}

test('a simulated handshake gives both ends the identity of the other', async () => {
  assert.deepEqual(await handshake('root'), {
    server: 'spiffe://cluster.local/ns/x/sa/a http/1.1 b.x',
    client: 'spiffe://cluster.local/ns/x/sa/b',
  })
})

test('a simulated handshake refuses a certificate of a foreign root', async () => {
  const outcome = await handshake('foreign')
  assert.match(outcome.server, /unable to verify/)
  assert.match(outcome.client, /unable to verify/)
})
