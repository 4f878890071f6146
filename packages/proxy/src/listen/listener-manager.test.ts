import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PeerIdentity, type Transport, type TransportClose } from '@weft/core'
import type { ActiveConfig, DownstreamTls, FilterChain, Listener } from '@weft/engine'
import { clientHello, SimWorld, simMaterial, simRootPem } from '@weft/testkit'
import type { CertificateSecret, Secrets } from '../config/secret-source.ts'
import type { AcceptedConnection } from './accepted-connection.ts'
import { ConnectionTable } from './connection-table.ts'
import { ListenerManager } from './listener-manager.ts'

const trustDomain = 'cluster.local'
const id = (name: string, domain = trustDomain): string => `spiffe://${domain}/ns/x/sa/${name}`
const roots = simRootPem('mesh')

function certificate(
  world: SimWorld,
  name: string,
  options: { spiffeId?: string; issuer?: string; lifeMs?: number } = {},
) {
  const spiffeId = options.spiffeId ?? id(name)
  const facts = {
    spiffeId: spiffeId === '' ? undefined : spiffeId,
    serial: `${name}-${world.clock.nowMs()}`,
    notBeforeMs: 0,
    notAfterMs: world.clock.wallMs() + (options.lifeMs ?? 60_000),
  }
  return { facts, material: simMaterial({ ...facts, dnsNames: [], issuer: options.issuer ?? 'mesh' }) }
}

const tls: DownstreamTls = {
  certificateSecret: 'default',
  rootsSecret: 'ROOTCA',
  sans: [],
  alpn: ['http/1.1'],
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  requireClientCertificate: true,
}

function chain(name: string, transportProtocol: string, settings: Partial<FilterChain> = {}): FilterChain {
  return {
    name,
    index: 0,
    mtls: undefined,
    origins: {},
    match: { transportProtocol } as FilterChain['match'],
    tls: undefined,
    handshakeTimeoutMs: 0,
    rbac: [],
    terminal: { kind: 'http', codec: 'http1' } as FilterChain['terminal'],
    ...settings,
  }
}

const mtls = chain('mtls', 'tls', { tls })
const plaintext = chain('plaintext', 'raw_buffer')

function listener(name: string, port: number, chains: readonly FilterChain[], host = '127.66.0.1'): Listener {
  return {
    name,
    address: port < 0 ? { kind: 'internal' } : { kind: 'socket', host, port },
    additionalAddresses: [],
    bindToPort: true,
    sniff: { tls: true, http: false, originalDst: false, timeoutMs: 5_000, continueOnTimeout: false },
    filterChains: chains,
  } as unknown as Listener
}

function configOf(...listeners: Listener[]): ActiveConfig {
  return {
    listeners: new Map(listeners.map((entry) => [entry.name, entry])),
    routeConfigs: new Map(),
    clusters: new Map(),
  }
}

function harness(maxConnections = 100) {
  const world = new SimWorld(1)
  const runtime = world.runtimeOf('proxy')
  const own = new Map<string, CertificateSecret>()
  const secrets: Secrets = {
    has: (name) => own.has(name),
    certificate: (name) => own.get(name),
    rootsPem: (name) => (name === 'ROOTCA' ? roots : undefined),
    crlPem: () => undefined,
  }
  const rotate = (lifeMs = 60_000): CertificateSecret => {
    const secret = { name: 'default', ...certificate(world, 'server', { lifeMs }) }
    own.set('default', secret)
    return secret
  }
  rotate()
  const served: { connection: AcceptedConnection; drained: boolean }[] = []
  const refused: string[] = []
  const connections = new ConnectionTable(runtime)
  const manager = new ListenerManager(
    {
      runtime,
      secrets,
      connections,
      decisions: {
        matchFilterChain: (at, facts) =>
          at.filterChains.find(({ match }) => match.transportProtocol === facts.transportProtocol),
        testSan: () => true,
      },
      serve: (connection) => {
        const entry = { connection, drained: false }
        served.push(entry)
        const { transport } = connection
        transport.handler = {
          onData() {},
          onEnd: () => transport.end(),
          onDrain() {},
          onClose: () => connection.onClosed(),
        }
        transport.resume()
        return {
          drain: () => {
            entry.drained = true
          },
          idle: () => false,
          destroy: () => transport.destroy(),
        }
      },
      onRefused: (_listener, refusal, detail) => refused.push(`${refusal}: ${detail}`),
    },
    { maxConnections, drainMs: 2_000 },
  )
  return { world, manager, connections, served, refused, rotate }
}

type Harness = ReturnType<typeof harness>

async function dial({ world }: Harness, port = 8080): Promise<{ transport: Transport; events: string[] }> {
  const events: string[] = []
  const opened: { transport?: Transport } = {}
  world.runtimeOf('client').net.connect(
    { host: '127.66.0.1', port, localAddress: '127.66.0.9' },
    (transport) => {
      opened.transport = transport
      transport.handler = {
        onData() {},
        onEnd: () => events.push('end'),
        onDrain() {},
        onClose: (close) => events.push(close.reason),
      }
      transport.resume()
    },
    (close) => events.push(close.reason),
  )
  await world.clock.advance(5)
  assert.ok(opened.transport !== undefined, `connect: ${events.join()}`)
  return { transport: opened.transport, events }
}

async function dialTls(
  at: Harness,
  own: ReturnType<typeof certificate> | undefined,
): Promise<{ peer?: PeerIdentity | undefined; failed?: TransportClose }> {
  const { transport } = await dial(at)
  const outcome: { peer?: PeerIdentity | undefined; failed?: TransportClose } = {}
  at.world.runtimeOf('client').net.secureClient(
    transport,
    {
      material: own?.material,
      rootsPem: roots,
      sni: undefined,
      alpn: ['http/1.1'],
      verifyPeer: undefined,
      minVersion: 'TLSv1.3',
    },
    (secured) => {
      outcome.peer = secured.peer
      secured.resume()
    },
    (close) => {
      outcome.failed = close
    },
  )
  await at.world.clock.advance(10)
  return outcome
}

test('a PERMISSIVE port takes plaintext and mutual TLS, told apart by their first bytes', async () => {
  const at = harness()
  at.manager.apply(configOf(listener('in', 8080, [mtls, plaintext])))
  const { transport } = await dial(at)
  transport.writeLatin1('GET / HTTP/1.1\r\n')
  await at.world.clock.advance(5)
  assert.equal(at.served[0]?.connection.chain().name, 'plaintext')
  assert.equal(at.served[0]?.connection.head?.toString(), 'GET / HTTP/1.1\r\n')
  await dialTls(at, certificate(at.world, 'client'))
  const { facts, peer, head } = at.served[1]!.connection
  assert.deepEqual([facts.tls, facts.peerNames, facts.localPrincipal], [true, [id('client')], id('server')])
  assert.equal(peer?.spiffeId, id('client'))
  assert.equal(head, undefined)
})

test('a STRICT port refuses plaintext, no certificate, a foreign CA, a foreign trust domain and no SPIFFE id', async () => {
  const at = harness()
  at.manager.apply(configOf(listener('in', 8080, [mtls])))
  const { transport, events } = await dial(at)
  transport.writeLatin1('GET / HTTP/1.1\r\n')
  await at.world.clock.advance(5)
  assert.deepEqual(events, ['end'])
  await dialTls(at, undefined)
  await dialTls(at, certificate(at.world, 'client', { issuer: 'foreign' }))
  await dialTls(at, certificate(at.world, 'client', { spiffeId: id('client', 'other.example') }))
  await dialTls(at, certificate(at.world, 'client', { spiffeId: '' }))
  await dialTls(at, certificate(at.world, 'client', { lifeMs: 0 }))
  assert.deepEqual(at.served, [])
  assert.deepEqual(at.refused, [
    'no_filter_chain_match: from 127.66.0.9',
    'ssl_connection_error: peer did not return a certificate',
    'ssl_connection_error: unable to verify the first certificate',
    `ssl_connection_error: peer ${id('client', 'other.example')} is not of trust domain cluster.local`,
    'ssl_connection_error: peer certificate carries no SPIFFE id',
    'ssl_connection_error: certificate has expired',
  ])
})

test('a connection that says nothing is closed when the time for listener filters is over', async () => {
  const at = harness()
  at.manager.apply(configOf(listener('in', 8080, [plaintext])))
  const { events } = await dial(at)
  await at.world.clock.advance(5_100)
  assert.deepEqual(events, ['end'])
  assert.deepEqual(at.refused, ['downstream_listener_filter_error: listener_filter_timeout'])
})

test('a client that sends only half a hello does not hold a handshake for ever', async () => {
  const at = harness()
  at.manager.apply(configOf(listener('in', 8080, [mtls])))
  const { transport } = await dial(at)
  transport.write(clientHello({ alpn: [] }).subarray(0, 20))
  await at.world.clock.advance(30_000)
  assert.equal(at.refused.length, 1)
  assert.equal(at.connections.size, 0)
})

test('a listener that keeps its address keeps its socket, and its connections go on under the new chain', async () => {
  const at = harness()
  at.manager.apply(configOf(listener('in', 8080, [mtls, plaintext])))
  const { transport, events } = await dial(at)
  transport.writeLatin1('x')
  await at.world.clock.advance(5)
  const next = chain('plaintext-2', 'raw_buffer')
  at.manager.apply(configOf(listener('in', 8080, [mtls, next])))
  assert.equal(at.served[0]?.connection.chain(), next)
  assert.equal(at.served[0]?.drained, false)
  assert.deepEqual(events, [])
  assert.deepEqual(
    at.manager.addresses().map(({ state }) => state),
    ['listening'],
  )
})

test('connections whose chain went, or that are secured otherwise now, drain and end within the drain time', async () => {
  const at = harness()
  at.manager.apply(configOf(listener('in', 8080, [mtls, plaintext])))
  const { transport, events } = await dial(at)
  transport.writeLatin1('x')
  await at.world.clock.advance(5)
  at.manager.apply(configOf(listener('in', 8080, [mtls])))
  assert.equal(at.served[0]?.drained, true)
  await at.world.clock.advance(1_900)
  assert.deepEqual(events, [])
  await at.world.clock.advance(200)
  assert.deepEqual(events, ['end'])
})

test('a listener that is taken away stops accepting and drains', async () => {
  const at = harness()
  at.manager.apply(configOf(listener('in', 8080, [plaintext]), listener('other', 9090, [plaintext])))
  const { transport } = await dial(at)
  transport.writeLatin1('x')
  await at.world.clock.advance(5)
  at.manager.apply(configOf(listener('other', 9090, [plaintext])))
  await at.world.clock.advance(5)
  assert.equal(at.served[0]?.drained, true)
  await assert.rejects(dial(at), /refused/)
  await dial(at, 9090)
})

test('a port in use is reported with the reason and bound once it is free', async () => {
  const at = harness()
  const taken = await at.world.runtimeOf('somebody').net.listen({ host: '127.66.0.1', port: 8080 }, () => {})
  at.manager.apply(configOf(listener('in', 8080, [plaintext])))
  await at.world.clock.advance(100)
  assert.deepEqual(at.manager.addresses(), [
    {
      listener: 'in',
      address: '127.66.0.1:8080',
      state: 'failed',
      error: 'EADDRINUSE: address already in use 127.66.0.1:8080',
    },
  ])
  if (taken.ok) await taken.value.close()
  await at.world.clock.advance(1_100)
  assert.equal(at.manager.addresses()[0]?.state, 'listening')
  await dial(at)
})

test('no connection outlives the certificate of either side', async () => {
  const at = harness()
  at.manager.apply(configOf(listener('in', 8080, [mtls])))
  await dialTls(at, certificate(at.world, 'client', { lifeMs: 10_000 }))
  await at.world.clock.advance(8_500)
  assert.equal(at.served[0]?.drained, true)
  assert.equal(at.connections.size, 1)
  await at.world.clock.advance(1_600)
  assert.equal(at.connections.size, 0)
})

test('after a rotation new connections show the new certificate, and those of an old one drain when it gives way', async () => {
  const at = harness()
  at.manager.apply(configOf(listener('in', 8080, [mtls])))
  const first = await dialTls(at, certificate(at.world, 'client'))
  await at.world.clock.advance(5_000)
  const soon = at.rotate()
  at.connections.certificateRotated('default', soon.facts)
  assert.equal(at.served[0]?.drained, false, 'nearly all of its life is left')
  const second = await dialTls(at, certificate(at.world, 'client'))
  assert.notEqual(first.peer?.serial, second.peer?.serial)
  assert.equal(second.peer?.serial, soon.facts.serial)
  await at.world.clock.advance(27_000)
  const later = at.rotate()
  at.connections.certificateRotated('another', later.facts)
  assert.equal(at.served[0]?.drained, false, 'it is none of that secret')
  at.connections.certificateRotated('default', later.facts)
  assert.deepEqual([at.served[0]?.drained, at.served[1]?.drained], [true, false])
})

test('connections beyond the bound are reset, and those that have yet to say what they want count', async () => {
  const at = harness(1)
  at.manager.apply(configOf(listener('in', 8080, [plaintext])))
  const { transport } = await dial(at)
  for (const arriving of [1, 0]) {
    assert.equal(at.connections.arriving, arriving)
    const { events } = await dial(at)
    await at.world.clock.advance(5)
    assert.deepEqual(events, ['reset'])
    transport.writeLatin1('x')
    await at.world.clock.advance(5)
  }
  assert.deepEqual(new Set(at.refused), new Set(['downstream_cx_overflow: 1 connections are open']))
})

test('an internal listener is dialled inside the process, with the authority as its destination', async () => {
  const at = harness()
  at.manager.apply(configOf(listener('tunnel', -1, [plaintext])))
  const begun = at.manager.connectInternal('tunnel', {
    destination: { address: 'catalog', port: 80 },
    source: { address: '127.66.0.9', port: 4_000, peer: undefined },
    metadata: { tunnel: { to: 'there' } },
  })
  assert.ok(begun.ok)
  begun.value.settle({
    onOpen(near) {
      near.resume()
      near.writeLatin1('GET / HTTP/1.1\r\n')
    },
    onFail: (close) => assert.fail(close.detail),
  })
  await at.world.clock.advance(5)
  const { facts, head } = at.served[0]!.connection
  assert.deepEqual([facts.localAddress, facts.localPort, facts.remoteAddress], ['catalog', 80, '127.66.0.9'])
  assert.deepEqual(facts.metadata, { tunnel: { to: 'there' } })
  assert.equal(head?.toString(), 'GET / HTTP/1.1\r\n')
  assert.deepEqual(
    at.manager.connectInternal('nowhere', {
      destination: { address: 'x', port: 1 },
      source: { address: 'y', port: 2, peer: undefined },
    }),
    { ok: false, error: 'no internal listener nowhere' },
  )
})

test('draining everything stops accepting and resolves when the last connection is over', async () => {
  const at = harness()
  at.manager.apply(configOf(listener('in', 8080, [plaintext])))
  const { transport } = await dial(at)
  transport.writeLatin1('x')
  await at.world.clock.advance(5)
  let over = false
  await at.manager.stopAccepting(() => true)
  void at.connections
    .drainAll(() => true, 60_000)
    .then(() => {
      over = true
    })
  await at.world.clock.advance(100)
  assert.equal(over, false)
  transport.end()
  await at.world.clock.advance(100)
  assert.equal(over, true)
  await assert.rejects(dial(at), /refused/)
})
