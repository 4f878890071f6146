// h2spec against our server side, alone and within the proxy, and in the same run against Envoy: whatever Envoy passes must pass here. Each
// case that fails here is named with its reason; one that no longer fails, fails the test.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { freePort } from '@weft/testkit/ports'
import { systemClock, systemTimers } from '../../packages/core/src/node/clock.ts'
import { nodeNet } from '../../packages/core/src/node/node-net.ts'
import { createH2Shared } from '../../packages/proxy/src/codec/h2/h2-shared.ts'
import { answerHead, SeenRequest } from '../../packages/proxy/src/codec/h2/h2-under-test.ts'
import { defaultH2Options } from '../../packages/proxy/src/codec/h2/h2-options.ts'
import { H2ServerConnection } from '../../packages/proxy/src/codec/h2/server-connection.ts'
import { everythingTo, httpListener, startProxy, staticCluster } from '../wire/proxy-under-test.ts'
import { rawBackend } from '../wire/raw-http.ts'
import { readHttp1 } from '../interop/protocol/read-http1.ts'
import { findPeer, missingGoPeers, missingPeers } from '../interop/peers/peer.ts'

/** Cases that fail through the whole proxy, and why that is right; at the codec none does. */
const expectedFailures: Readonly<Record<string, string>> = {
  'http2/3.5 Sends invalid connection preface':
    'codec_type AUTO takes it for HTTP/1 and answers 400; Envoy fails it too',
  'http2/6.9.1 Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream':
    'the connection ends unless override_stream_error_on_invalid_http_message is set, as in Envoy, which fails it too',
}

const h2spec = findPeer('h2spec')
const envoy = findPeer('envoy')
const dir = mkdtempSync(join(tmpdir(), 'weft-h2spec-'))
after(() => rmSync(dir, { recursive: true }))

interface Report {
  readonly passed: Set<string>
  readonly failed: Set<string>
}

/** Runs all cases; `case name` is made of section and title. What fails waits `seconds`: ours may be slow, Envoy fails more. */
async function run(port: number, name: string, seconds = 8): Promise<Report> {
  const path = join(dir, `${name}.xml`)
  await new Promise((resolve) => {
    // It exits with 1 when a case fails: the report tells which.
    execFile(h2spec as string, ['-S', '-p', String(port), '-o', String(seconds), '-j', path], resolve)
  })
  const report: Report = { passed: new Set(), failed: new Set() }
  const cases = readFileSync(path, 'utf8').matchAll(
    /<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(\/>|>([\s\S]*?)<\/testcase>)/g,
  )
  for (const [, section, title, , inside] of cases) {
    const failed = /<(failure|error|skipped)/.test(inside ?? '')
    ;(failed ? report.failed : report.passed).add(`${section} ${title}`)
  }
  return report
}

/** A server that answers every request when it is whole. */
async function serveTrivially(): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const shared = createH2Shared({ clock: systemClock, timers: systemTimers })
  const body = Buffer.from('hello, world\n')
  const answer = ({ stream }: SeenRequest): void => {
    stream.respond(answerHead(200, [['content-length', String(body.length)]]), 'length', true)
    stream.sendBytes(body, 0, body.length)
    stream.end()
  }
  const server = {
    limits: () => ({ maxBytes: 60 * 1024, maxHeaders: 100 }),
    idleMs: () => 10_000,
    drainMs: () => 5_000,
    headMs: () => 10_000,
    onStream(stream: SeenRequest['stream']) {
      const request = new SeenRequest(stream)
      request.onWhole = answer
      if (request.ended) answer(request)
    },
    onHeadFault: (stream: SeenRequest['stream']) => stream.reset('protocol'),
    onMalformed() {},
    onClosed() {},
  }
  const listening = await nodeNet.listen({ host: '127.0.0.1', port: 0 }, (transport) =>
    new H2ServerConnection(transport, server, shared, defaultH2Options).start(undefined),
  )
  assert.ok(listening.ok)
  return { port: listening.value.port, close: () => listening.value.close() }
}

/** An Envoy that answers by itself. */
async function startEnvoy(): Promise<{ readonly port: number; readonly close: () => void }> {
  const port = await freePort()
  const path = join(dir, 'envoy.json')
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'h2spec',
    codec_type: 'AUTO',
    delayed_close_timeout: '0.1s',
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [
            {
              match: { prefix: '/' },
              direct_response: { status: 200, body: { inline_string: 'hello, world\n' } },
            },
          ],
        },
      ],
    },
  }
  const listener = {
    address: { socket_address: { address: '127.0.0.1', port_value: port } },
    filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] }],
  }
  writeFileSync(path, JSON.stringify({ static_resources: { listeners: [listener] } }))
  const args = ['-c', path, '--use-dynamic-base-id', '--concurrency', '1', '-l', 'critical']
  const child = spawn(envoy as string, args, { stdio: 'ignore' })
  for (let tries = 0; tries < 200; tries++) {
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      ({ status }) => status === 200,
      () => false,
    )
    if (answered) return { port, close: () => void child.kill('SIGKILL') }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  child.kill('SIGKILL')
  throw new Error('Envoy does not answer')
}

const noH2spec = missingGoPeers('h2spec')
const noEnvoy = noH2spec === false ? missingPeers('envoy') : noH2spec
let ours: Report | undefined
let proxied: Report | undefined

test('every case of h2spec passes at the codec', { skip: noH2spec }, async () => {
  const server = await serveTrivially()
  ours = await run(server.port, 'weft')
  await server.close()
  assert.deepEqual([...ours.failed], [])
  assert.ok(ours.passed.size >= 145, `${ours.passed.size} cases ran`)
})

test('every case of h2spec passes through the whole proxy, but those named', { skip: noH2spec }, async () => {
  const answered: number[] = []
  // Only what is whole: an answer in front of that ends the stream, and what is wrong with the rest is not looked at any more.
  const backend = await rawBackend((socket, text, connection) => {
    const whole = readHttp1(text, { side: 'requests' }).messages.filter((message) => message.whole).length
    const before = answered[connection] ?? 0
    answered[connection] = whole
    for (let at = before; at < whole; at++) {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nhello, world\n')
    }
  })
  const proxy = await startProxy({
    listeners: [httpListener('in', everythingTo('b'))],
    clusters: [staticCluster('b', [backend.port])],
  })
  const report = await run(proxy.portOf('in'), 'proxy')
  await proxy.close()
  backend.close()
  assert.deepEqual([...report.failed].sort(), Object.keys(expectedFailures).sort())
  assert.ok(report.passed.size >= 140, `${report.passed.size} cases ran`)
  proxied = report
})

test('whatever Envoy passes of h2spec passes here', { skip: noEnvoy }, async (context) => {
  const peer = await startEnvoy()
  const theirs = await run(peer.port, 'envoy', 3)
  peer.close()
  context.diagnostic(
    `Envoy passes ${theirs.passed.size} and fails ${theirs.failed.size}: ${[...theirs.failed].join('; ')}`,
  )
  assert.ok(theirs.passed.size > 100, `${theirs.passed.size} cases ran`)
  assert.deepEqual(
    [...theirs.passed].filter((name) => ours?.passed.has(name) !== true || proxied?.passed.has(name) !== true),
    [],
  )
})
