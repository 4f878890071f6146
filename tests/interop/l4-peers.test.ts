// Real haproxy on the other end of the PROXY protocol, real Redis behind listeners that look at first bytes and behind TLS.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { once } from '@weft/testkit/once'
import { freePort, isListening } from '@weft/testkit/ports'
import {
  client,
  listenerFilter,
  proxyProtocolSocket,
  readsProxyHeaders,
  tcpListener,
  tcpProxy,
  tcpServer,
} from '../wire/l4.ts'
import { any, everythingTo, manager, proxyFor, staticCluster } from '../wire/proxy-under-test.ts'
import { testAuthority } from '../wire/test-certificates.ts'
import { until } from '../wire/test-runtime.ts'

const missing = (command: string): string | false =>
  spawnSync(command, ['-v']).error === undefined ? false : `${command} is not on PATH`

/** Runs until the test ends; resolves when it listens. */
async function run(t: TestContext, command: string, args: readonly string[], port: number): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (bytes) => (output += String(bytes)))
  child.stderr.on('data', (bytes) => (output += String(bytes)))
  t.after(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const told = (): string => `${command} does not listen: ${output}`
  await until(() => {
    assert.equal(child.exitCode, null, told())
    return isListening(port)
  }, told)
  return child
}

async function haproxy(t: TestContext, port: number, sections: string): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'weft-haproxy-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'haproxy.cfg')
  const defaults = 'defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 10s\n  timeout server 10s\n'
  writeFileSync(file, `global\n  maxconn 100\n${defaults}${sections}`)
  await run(t, 'haproxy', ['-db', '-f', file], port)
}

test("haproxy's PROXY headers are read: version 1, version 2, with a checksum and a name", {
  skip: missing('haproxy'),
}, async (t) => {
  const backend = await tcpServer(t, (socket) => socket.pipe(socket))
  const proxy = await proxyFor(t, readsProxyHeaders(backend.port))
  for (const option of ['send-proxy', 'send-proxy-v2', 'send-proxy-v2 proxy-v2-options crc32c,unique-id']) {
    const port = await freePort()
    const server = `server weft 127.0.0.1:${proxy.portOf('in')} ${option}`
    await haproxy(t, port, `listen in\n  bind 127.0.0.1:${port}\n  unique-id-format %pid-%rt\n  ${server}\n`)
    const from = await client(t, port)
    const { localPort } = from.socket
    from.socket.end(`by ${option}`)
    await from.ended
    assert.equal(from.text(), `by ${option}`)
    const record = () => proxy.connections.find((one) => one.downstream.remotePort === localPort)
    await until(() => record() !== undefined, `the record of the client of ${option}`)
    assert.deepEqual([record()?.downstream.remoteAddress, record()?.downstream.localPort], ['127.0.0.1', port])
  }
  assert.deepEqual(proxy.refusals, [])
})

test("haproxy's own checks (LOCAL) are served", { skip: missing('haproxy') }, async (t) => {
  const backend = await tcpServer(t, (socket) => socket.end('up\n'))
  const proxy = await proxyFor(t, readsProxyHeaders(backend.port))
  const port = await freePort()
  const server = `server weft 127.0.0.1:${proxy.portOf('in')} send-proxy-v2 check check-send-proxy inter 50ms`
  await haproxy(
    t,
    port,
    `listen in\n  bind 127.0.0.1:${port}\n  option tcp-check\n  tcp-check expect string up\n  ${server}\n`,
  )
  await until(() => proxy.connections.length > 3, 'checks')
  assert.deepEqual(proxy.refusals, [])
  assert.ok(proxy.connections.every(({ downstream }) => downstream.remotePort !== 0))
})

test('haproxy reads our PROXY headers', { skip: missing('haproxy') }, async (t) => {
  const port = await freePort()
  const told = '%[src]:%[src_port] %[dst]:%[dst_port]'
  const answer = `http-request return status 200 content-type text/plain lf-string "${told}"`
  await haproxy(t, port, `frontend told\n  mode http\n  bind 127.0.0.1:${port} accept-proxy\n  ${answer}\n`)
  for (const version of ['V1', 'V2'] as const) {
    const proxy = await proxyFor(t, {
      listeners: [tcpListener('in', { filterChains: [{ filters: [tcpProxy('b')] }] })],
      clusters: [staticCluster('b', [port], { transportSocket: proxyProtocolSocket(version) })],
    })
    const from = await client(t, proxy.portOf('in'))
    const { localPort } = from.socket
    from.socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
    await from.ended
    const ends = `127.0.0.1:${localPort} 127.0.0.1:${proxy.portOf('in')}`
    assert.ok(from.text().endsWith(`\r\n\r\n${ends}`), from.text())
  }
})

test('Redis is spoken to through a listener that sniffs and through mutual TLS: pipelined and byte by byte', {
  skip: missing('redis-server'),
}, async (t) => {
  const port = await freePort()
  await run(
    t,
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    port,
  )
  const authority = await testAuthority()
  const context = async (kind: 'Downstream' | 'Upstream', name: string) => {
    const { certificateChainPem, privateKeyPem } = await authority.issue(name)
    const certificate = {
      certificateChain: { inlineString: certificateChainPem },
      privateKey: { inlineString: privateKeyPem },
    }
    const commonTlsContext = {
      tlsCertificates: [certificate],
      validationContext: { trustedCa: { inlineString: authority.rootPem } },
    }
    const more = kind === 'Downstream' ? { requireClientCertificate: true } : {}
    const type = `envoy.extensions.transport_sockets.tls.v3.${kind}TlsContext`
    return { name: 'envoy.transport_sockets.tls', typedConfig: any(type, { commonTlsContext, ...more }) }
  }
  const server = await proxyFor(t, {
    listeners: [
      tcpListener('inbound', {
        listenerFilters: [listenerFilter('tls_inspector')],
        filterChains: [
          {
            filterChainMatch: { transportProtocol: 'tls' },
            transportSocket: await context('Downstream', 'redis.example'),
            filters: [tcpProxy('redis')],
          },
        ],
      }),
    ],
    clusters: [staticCluster('redis', [port])],
  })
  const clientSide = await proxyFor(t, {
    listeners: [
      tcpListener('outbound', {
        listenerFilters: [listenerFilter('tls_inspector'), listenerFilter('http_inspector')],
        filterChains: [
          {
            filterChainMatch: { transportProtocol: 'raw_buffer', applicationProtocols: ['http/1.0', 'http/1.1'] },
            filters: [manager(everythingTo('hop'))],
          },
        ],
        defaultFilterChain: { filters: [tcpProxy('hop')] },
      }),
    ],
    clusters: [
      staticCluster('hop', [server.portOf('inbound')], { transportSocket: await context('Upstream', 'web.example') }),
    ],
  })
  const count = 2_000
  const pipelined = await client(t, clientSide.portOf('outbound'))
  let commands = ''
  for (let at = 0; at < count; at++) commands += `*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n`
  pipelined.socket.write(commands)
  const expected = Array.from({ length: count }, (_, at) => `:${at + 1}\r\n`).join('')
  await until(() => pipelined.text().length >= expected.length, 'all answers')
  assert.equal(pipelined.text(), expected)

  const slow = await client(t, clientSide.portOf('outbound'))
  for (const letter of 'GET n\r\n*1\r\n$4\r\nPING\r\n') {
    slow.socket.write(letter)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  await until(() => slow.text().includes('PONG'), 'both answers')
  assert.equal(slow.text(), `$4\r\n${count}\r\n+PONG\r\n`)
  const quiet = await client(t, clientSide.portOf('outbound'))
  await new Promise((resolve) => setTimeout(resolve, 150))
  quiet.socket.end('PING\r\n')
  await quiet.ended
  assert.equal(quiet.text(), '+PONG\r\n', 'after a silence in which the upstream was opened early')
})
