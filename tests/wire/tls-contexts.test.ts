// TLS below HTTP: termination, passthrough and origination, with certificates that come with the resources.
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { rmSync, writeFileSync, mkdtempSync } from 'node:fs'
import { connect as netConnect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type ConnectionOptions, createServer } from 'node:tls'
import type { JsonObject } from '@bufbuild/protobuf'
import type { TlsMaterial } from '@weft/core'
import { once } from '@weft/testkit/once'
import { client, listenerFilter, proxyProtocolSocket, tcpListener, tcpProxy, tcpServer } from './l4.ts'
import { given, inline, named, says, shakeHands as trusting, terminating } from './tls-ends.ts'
import { any, everythingTo, manager, proxyFor, staticCluster } from './proxy-under-test.ts'
import { testAuthority } from './test-certificates.ts'
import { until } from './test-runtime.ts'

const authority = await testAuthority()
const stranger = await testAuthority()

function originating(common: JsonObject, more: JsonObject = {}): JsonObject {
  const type = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext'
  return { name: 'envoy.transport_sockets.tls', typedConfig: any(type, { commonTlsContext: common, ...more }) }
}

const shakeHands = (t: TestContext, port: number, options: ConnectionOptions) =>
  trusting(t, authority.rootPem, port, options)

test('chains and certificates are chosen by server name, wildcards after names, longer ones first', async (t) => {
  const [a, wild, rest] = [await named(t, 'a'), await named(t, 'wild'), await named(t, 'rest')]
  const certificate = {
    tlsCertificates: [given(await authority.issue('a.shop.example')), given(await authority.issue('*.shop.example'))],
  }
  const chain = (serverNames: string[], cluster: string): JsonObject => ({
    ...(serverNames.length === 0 ? {} : { filterChainMatch: { serverNames } }),
    transportSocket: terminating(certificate),
    filters: [tcpProxy(cluster)],
  })
  const proxy = await proxyFor(t, {
    listeners: [
      tcpListener('in', {
        listenerFilters: [listenerFilter('tls_inspector')],
        filterChains: [chain(['a.shop.example'], 'a'), chain(['*.example'], 'rest'), chain(['*.shop.example'], 'wild')],
      }),
    ],
    clusters: [staticCluster('a', [a.port]), staticCluster('wild', [wild.port]), staticCluster('rest', [rest.port])],
  })
  for (const [servername, answer, names] of [
    ['a.shop.example', 'a:x', 'DNS:a.shop.example'],
    ['A.SHOP.example', 'a:x', 'DNS:a.shop.example'],
    ['b.shop.example', 'wild:x', 'DNS:*.shop.example'],
    ['b.c.shop.example', 'wild:x', 'DNS:a.shop.example'],
    ['other.example', 'rest:x', 'DNS:a.shop.example'],
  ] as const) {
    const shaken = await shakeHands(t, proxy.portOf('in'), { servername })
    assert.equal(await says(shaken.socket, 'x'), answer, servername)
    assert.equal(shaken.names, names, servername)
  }
  await assert.rejects(shakeHands(t, proxy.portOf('in'), { servername: 'elsewhere.test' }))
  assert.deepEqual(proxy.refusals, ['in: no_filter_chain_match: from 127.0.0.1'])
})

test('versions, suites, curves and ALPN are those of the context', async (t) => {
  const backend = await named(t, 'b')
  const material = given(await authority.issue('a.example'))
  const start = async (common: JsonObject, more: JsonObject = {}) => {
    const transportSocket = terminating({ tlsCertificates: [material], ...common }, more)
    const proxy = await proxyFor(t, {
      listeners: [tcpListener('in', { filterChains: [{ transportSocket, filters: [tcpProxy('b')] }] })],
      clusters: [staticCluster('b', [backend.port])],
    })
    return proxy.portOf('in')
  }
  const only12 = await start({
    tlsParams: {
      tlsMaximumProtocolVersion: 'TLSv1_2',
      cipherSuites: ['[ECDHE-ECDSA-AES256-GCM-SHA384|ECDHE-RSA-AES256-GCM-SHA384]'],
    },
  })
  const old = await shakeHands(t, only12, {})
  assert.deepEqual(
    [old.socket.getProtocol(), old.socket.getCipher().name],
    ['TLSv1.2', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  )
  await assert.rejects(shakeHands(t, only12, { minVersion: 'TLSv1.3' }))
  await assert.rejects(shakeHands(t, only12, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }))
  const only13 = await start({ tlsParams: { tlsMinimumProtocolVersion: 'TLSv1_3', ecdhCurves: ['P-384'] } })
  const young = await shakeHands(t, only13, {})
  assert.equal(young.socket.getProtocol(), 'TLSv1.3')
  assert.equal((young.socket.getEphemeralKeyInfo() as { name?: string }).name, 'secp384r1')
  await assert.rejects(shakeHands(t, only13, { maxVersion: 'TLSv1.2' }))
  await assert.rejects(shakeHands(t, only13, { ecdhCurve: 'X25519' }))
  const alpn = await start({ alpnProtocols: ['h2', 'http/1.1'] })
  assert.equal((await shakeHands(t, alpn, { ALPNProtocols: ['http/1.1', 'h2'] })).socket.alpnProtocol, 'h2')
  assert.equal((await shakeHands(t, alpn, {})).socket.alpnProtocol, false)
  const strict = await start({}, { requireSni: true })
  assert.equal(await says((await shakeHands(t, strict, { servername: 'a.example' })).socket, 'x'), 'b:x')
  const nameless = await shakeHands(t, strict, {})
  await once(nameless.socket, 'close')
})

test('client certificates are asked for, verified by roots and names, and required or not', async (t) => {
  const backend = await named(t, 'b')
  const start = async (require: boolean, validation: JsonObject = {}) => {
    const common = {
      tlsCertificates: [given(await authority.issue('a.example'))],
      validationContext: { trustedCa: inline(authority.rootPem), ...validation },
    }
    const transportSocket = terminating(common, { requireClientCertificate: require })
    return await proxyFor(t, {
      listeners: [tcpListener('in', { filterChains: [{ transportSocket, filters: [tcpProxy('b')] }] })],
      clusters: [staticCluster('b', [backend.port])],
    })
  }
  const matchers = { matchTypedSubjectAltNames: [{ sanType: 'DNS', matcher: { exact: 'web.example' } }] }
  const as = async (names: string[], by = authority): Promise<ConnectionOptions> => {
    const material = await by.issue(...names)
    return { cert: material.certificateChainPem, key: material.privateKeyPem }
  }
  const outcome = async (port: number, options: ConnectionOptions): Promise<string> => {
    const { socket } = await shakeHands(t, port, options)
    return await Promise.race([says(socket, 'x'), once(socket, 'close').then(() => 'closed')]).catch(() => 'closed')
  }
  const required = await start(true, matchers)
  const port = required.portOf('in')
  assert.equal(await outcome(port, await as(['web.example'])), 'b:x')
  assert.equal(await outcome(port, await as(['*.example'])), 'b:x')
  assert.equal(await outcome(port, await as(['other.example'])), 'closed')
  assert.equal(await outcome(port, await as(['web.example'], stranger)), 'closed')
  assert.equal(await outcome(port, {}), 'closed')
  await until(() => required.refusals.length === 3, 'the refusals')
  const optional = await start(false)
  assert.equal(await outcome(optional.portOf('in'), {}), 'b:x')
  assert.equal(await outcome(optional.portOf('in'), await as(['x.example'], stranger)), 'closed')
})

test('a revoked certificate is refused, and with hashes any certificate but those named', async (t) => {
  const backend = await named(t, 'b')
  const [good, bad] = [await authority.issue('good.example'), await authority.issue('bad.example')]
  const hashes = ({ certificateChainPem }: TlsMaterial): { key: string; certificate: string } => {
    const { publicKey, fingerprint256 } = new X509Certificate(certificateChainPem)
    const key = publicKey.export({ type: 'spki', format: 'der' })
    return { key: createHash('sha256').update(key).digest('base64'), certificate: fingerprint256 }
  }
  const served = async (validation: JsonObject, { certificateChainPem: cert, privateKeyPem: key }: TlsMaterial) => {
    const common = {
      tlsCertificates: [given(await authority.issue('a.example'))],
      validationContext: { trustedCa: inline(authority.rootPem), ...validation },
    }
    const transportSocket = terminating(common, { requireClientCertificate: true })
    const proxy = await proxyFor(t, {
      listeners: [tcpListener('in', { filterChains: [{ transportSocket, filters: [tcpProxy('b')] }] })],
      clusters: [staticCluster('b', [backend.port])],
    })
    const { socket } = await shakeHands(t, proxy.portOf('in'), { cert, key })
    return await Promise.race([says(socket, 'x'), once(socket, 'close').then(() => 'closed')]).catch(() => 'closed')
  }
  const revoked = { crl: inline(await authority.revoke(bad)) }
  assert.equal(await served(revoked, good), 'b:x')
  assert.equal(await served(revoked, bad), 'closed')
  assert.equal(await served({ crl: inline(await stranger.revoke()) }, good), 'closed', 'no list of its own authority')
  const wanted = hashes(good)
  for (const validation of [
    { verifyCertificateSpki: [wanted.key] },
    { verifyCertificateHash: [wanted.certificate] },
    { verifyCertificateHash: [wanted.certificate.replaceAll(':', '').toLowerCase()] },
    {
      verifyCertificateSpki: [hashes(await authority.issue('c.example')).key],
      verifyCertificateHash: [wanted.certificate],
    },
  ]) {
    assert.equal(await served(validation, good), 'b:x', JSON.stringify(validation))
    assert.equal(await served(validation, bad), 'closed', JSON.stringify(validation))
  }
})

async function tlsBackend(t: TestContext, material: TlsMaterial, clientRoots?: string) {
  const seen: (string | false | null | undefined)[] = []
  const server = createServer(
    {
      cert: material.certificateChainPem,
      key: material.privateKeyPem,
      ALPNProtocols: ['http/1.1'],
      ...(clientRoots === undefined ? {} : { ca: clientRoots, requestCert: true, rejectUnauthorized: true }),
    },
    (socket) => {
      seen.push(socket.servername, socket.getPeerX509Certificate()?.subjectAltName)
      socket.on('error', () => {})
      socket.on('data', (bytes) => socket.write(`tls:${bytes.toString('latin1')}`))
    },
  )
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as { port: number }).port, seen }
}

test('TLS passes through by its server name without being opened', async (t) => {
  const backend = await tlsBackend(t, await authority.issue('inside.example'))
  const proxy = await proxyFor(t, {
    listeners: [
      tcpListener('in', {
        listenerFilters: [listenerFilter('tls_inspector')],
        filterChains: [{ filterChainMatch: { serverNames: ['*.example'] }, filters: [tcpProxy('b')] }],
      }),
    ],
    clusters: [staticCluster('b', [backend.port])],
  })
  const { socket, names } = await shakeHands(t, proxy.portOf('in'), { servername: 'inside.example' })
  assert.equal(names, 'DNS:inside.example')
  assert.equal(await says(socket, 'x'), 'tls:x')
  await assert.rejects(shakeHands(t, proxy.portOf('in'), { servername: 'inside.test' }))
})

test('TLS is originated with a name, a certificate of our own, and a server that proves who it is', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-tls-'))
  t.after(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, 'roots.pem'), authority.rootPem)
  const own = await authority.issue('spiffe://cluster.local/ns/x/sa/web')
  writeFileSync(join(dir, 'own.pem'), own.certificateChainPem)
  writeFileSync(join(dir, 'own.key'), own.privateKeyPem)
  const file = (name: string): JsonObject => ({ filename: join(dir, name) })
  const server = await authority.issue('db.example', '127.0.0.1')
  const backend = await tlsBackend(t, server, authority.rootPem)
  const dialled = async (validationContext: JsonObject, certificate: JsonObject = given(own)) => {
    const common = { validationContext, tlsCertificates: [certificate] }
    const proxy = await proxyFor(t, {
      listeners: [tcpListener('in', { filterChains: [{ filters: [tcpProxy('b')] }] })],
      clusters: [
        staticCluster('b', [backend.port], {
          transportSocket: originating(common, { sni: 'db.example' }),
          // To load all of the system's roots takes its time on a busy machine.
          connectTimeout: '10s',
        }),
      ],
    })
    const from = await client(t, proxy.portOf('in'))
    from.socket.write('x')
    let ended = false
    from.socket.once('end', () => (ended = true)).once('close', () => (ended = true))
    await until(() => ended || from.text() !== '', 'an answer, or the end')
    from.socket.destroy()
    if (from.text() !== '') return from.text()
    await until(() => proxy.connections.length === 1, 'the record')
    return proxy.connections[0]?.upstream?.transportFailure ?? ''
  }
  const sans = (sanType: string, exact: string): JsonObject => ({
    matchTypedSubjectAltNames: [{ sanType, matcher: { exact } }],
  })
  const roots = { trustedCa: inline(authority.rootPem) }
  assert.equal(await dialled({ ...roots, ...sans('DNS', 'db.example') }), 'tls:x')
  assert.deepEqual(backend.seen, ['db.example', 'URI:spiffe://cluster.local/ns/x/sa/web'])
  const files = { certificateChain: file('own.pem'), privateKey: file('own.key') }
  assert.equal(await dialled({ trustedCa: file('roots.pem'), ...sans('IP_ADDRESS', '127.0.0.1') }, files), 'tls:x')
  assert.match(await dialled({ ...roots, ...sans('DNS', 'other.example') }), /not one of the names expected/)
  assert.match(await dialled({ trustedCa: inline(stranger.rootPem) }), /signature failure/)
  writeFileSync(join(dir, 'revoked.pem'), await authority.revoke(server))
  assert.match(await dialled({ ...roots, crl: file('revoked.pem') }), /revoked/)
  assert.equal(await dialled({ ...roots, crl: inline(await authority.revoke(own)) }), 'tls:x')
  assert.match(await dialled({ systemRootCerts: {} }), /unable to (verify|get)|self.signed|no roots/i)
  assert.match(await dialled({ trustedCa: file('missing.pem') }), /missing\.pem cannot be read/)
})

test('an HTTP route is served over TLS on both sides, and a PROXY header goes in front of TLS', async (t) => {
  const heads: Buffer[] = []
  const material = await authority.issue('db.example')
  const behind = await tlsBackend(t, material)
  const front = await tcpServer(t, (socket) => {
    socket.once('data', (first) => {
      const end = first.indexOf('\r\n') + 2
      heads.push(first.subarray(0, end))
      const onward = netConnect({ port: behind.port, host: '127.0.0.1' })
      t.after(() => onward.destroy())
      onward.on('error', () => {})
      if (first.length > end) onward.write(first.subarray(end))
      socket.pipe(onward).pipe(socket)
    })
  })
  const secured = originating({ validationContext: { trustedCa: inline(authority.rootPem) } }, { sni: 'db.example' })
  const proxy = await proxyFor(t, {
    listeners: [tcpListener('in', { filterChains: [{ filters: [tcpProxy('b')] }] })],
    clusters: [staticCluster('b', [front.port], { transportSocket: proxyProtocolSocket('V1', secured) })],
  })
  const from = await client(t, proxy.portOf('in'))
  from.socket.write('x')
  await until(() => from.text() === 'tls:x', 'the answer through TLS')
  assert.match(String(heads[0]), /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n$/)
  const site = await tcpServer(t, (socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n'))
  })
  const https = await proxyFor(t, {
    listeners: [
      tcpListener('in', {
        filterChains: [
          {
            transportSocket: terminating({ tlsCertificates: [given(material)] }),
            filters: [manager(everythingTo('b'))],
          },
        ],
      }),
    ],
    clusters: [staticCluster('b', [site.port])],
  })
  const { socket } = await shakeHands(t, https.portOf('in'), { ALPNProtocols: ['http/1.1'] })
  assert.match(await says(socket, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'), /^HTTP\/1\.1 204 /)
})

test('a client that resumes its session is served, and gets no ticket where there are none', async (t) => {
  const backend = await named(t, 'b')
  const material = given(await authority.issue('a.example'))
  for (const tickets of [true, false]) {
    const transportSocket = terminating(
      { tlsCertificates: [material] },
      { disableStatelessSessionResumption: !tickets, sessionTimeout: '60s' },
    )
    const proxy = await proxyFor(t, {
      listeners: [tcpListener('in', { filterChains: [{ transportSocket, filters: [tcpProxy('b')] }] })],
      clusters: [staticCluster('b', [backend.port])],
    })
    const first = await shakeHands(t, proxy.portOf('in'), { maxVersion: 'TLSv1.2' })
    assert.equal(await says(first.socket, 'x'), 'b:x')
    const session = first.socket.getSession()
    const again = await shakeHands(t, proxy.portOf('in'), {
      maxVersion: 'TLSv1.2',
      ...(session === undefined ? {} : { session }),
    })
    assert.equal(await says(again.socket, 'y'), 'b:y')
    assert.equal(again.socket.isSessionReused(), tickets)
  }
})
