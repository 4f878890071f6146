// haproxy on either side of a proxy of ours, telling and being told by PROXY headers who the client is.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { freePort, whenListening } from '@weft/testkit/ports'
import { listenerFilter, proxyProtocolSocket, tcpListener, tcpProxy } from '../../wire/l4.ts'
import { everythingTo, manager, proxyFor, staticCluster } from '../../wire/proxy-under-test.ts'
import { rawBackend } from '../../wire/raw-http.ts'
import { findPeer, missingPeers } from './peer.ts'

const skip = missingPeers('haproxy')
const defaults = `defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
`

/** Runs haproxy with these sections until the test is over. */
async function haproxy(t: TestContext, sections: string, port: number): Promise<ChildProcess> {
  const dir = mkdtempSync(join(tmpdir(), 'weft-haproxy-'))
  writeFileSync(join(dir, 'haproxy.cfg'), defaults + sections)
  const child = spawn(findPeer('haproxy') ?? '', ['-db', '-f', join(dir, 'haproxy.cfg')], { stdio: 'ignore' })
  t.after(() => {
    child.kill('SIGKILL')
    rmSync(dir, { recursive: true })
  })
  await whenListening(port)
  return child
}

/** Asks from an address of loopback; the whole answer. */
function ask(port: number, from: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from })
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
    socket.setTimeout(30_000, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
    socket.write('GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n')
  })
}

for (const [version, word] of [
  ['1', 'send-proxy'],
  ['2', 'send-proxy-v2'],
] as const) {
  test(`haproxy tells us who its client is, version ${version}`, { skip }, async (t) => {
    const backend = await rawBackend((socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'),
    )
    t.after(() => backend.close())
    const proxy = await proxyFor(t, {
      listeners: [
        tcpListener('in', {
          listenerFilters: [listenerFilter('proxy_protocol')],
          filterChains: [{ filters: [manager(everythingTo('b'), { useRemoteAddress: true })] }],
        }),
      ],
      clusters: [staticCluster('b', [backend.port])],
    })
    const port = await freePort()
    await haproxy(
      t,
      `listen in\n  bind 127.0.0.1:${port}\n  server weft 127.0.0.1:${proxy.portOf('in')} ${word}\n`,
      port,
    )
    backend.received.length = 0
    assert.match(await ask(port, '127.0.0.77'), /^HTTP\/1\.1 200 /)
    assert.match(backend.received.join(''), /x-forwarded-for: 127\.0\.0\.77\r\n/i)
  })

  test(`we tell haproxy who our client is, version ${version}`, { skip }, async (t) => {
    const port = await freePort()
    const says = '%[src] %[dst] %[dst_port]'
    // Whoever looks whether it listens has no header to show: it is asked on a port of its own.
    const ready = await freePort()
    await haproxy(
      t,
      `frontend takes
  bind 127.0.0.1:${port} accept-proxy
  bind 127.0.0.1:${ready}
  http-request return status 200 content-type text/plain lf-string "${says}"
`,
      ready,
    )
    const secured = proxyProtocolSocket(`V${version}`)
    const proxy = await proxyFor(t, {
      listeners: [tcpListener('in', { filterChains: [{ filters: [tcpProxy('b')] }] })],
      clusters: [staticCluster('b', [port], { transportSocket: secured })],
    })
    const answer = await ask(proxy.portOf('in'), '127.0.0.78')
    assert.match(answer, /^HTTP\/1\.1 200 /)
    assert.ok(answer.endsWith(`127.0.0.78 127.0.0.1 ${proxy.portOf('in')}`), answer)
  })
}
