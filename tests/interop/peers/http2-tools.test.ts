// nghttp and h2load: clients of HTTP/2 that others wrote, before a listener of ours.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { once } from '@weft/testkit/once'
import {
  everythingTo,
  httpListener,
  type ProxyUnderTest,
  startProxy,
  staticCluster,
} from '../../wire/proxy-under-test.ts'
import { speaksHttp2 } from '../protocol/what-weft-speaks.ts'
import { missingPeers, runPeer } from './peer.ts'

const h2 = (await speaksHttp2()) ? false : 'needs HTTP/2, which this proxy does not speak yet'
const skip = h2 === false ? missingPeers('nghttp', 'h2load') : h2
// Node's own limit of heads is 16 kB.
const backend = createServer({ maxHeaderSize: 128 * 1024 }, (request, response) => {
  request.resume()
  request.on('end', () => response.end(`${request.method} ${request.url}`))
})
let proxy: ProxyUnderTest

before(async () => {
  backend.listen(0, '127.0.0.1')
  await once(backend, 'listening')
  proxy = await startProxy({
    listeners: [httpListener('in', everythingTo('b'), { codecType: 'AUTO' })],
    clusters: [staticCluster('b', [(backend.address() as AddressInfo).port])],
  })
})

after(async () => {
  await proxy.close()
  backend.closeAllConnections()
  backend.close()
})

const url = (path: string): string => `http://127.0.0.1:${proxy.portOf('in')}${path}`

test('nghttp: several requests at once, each with its answer', { skip }, async () => {
  const run = await runPeer('nghttp', ['-v', '--no-dep', url('/1'), url('/2'), url('/3')])
  assert.equal(run.code, 0, run.stderr)
  assert.equal(run.stdout.split(':status: 200').length, 4)
  for (const path of ['/1', '/2', '/3']) assert.ok(run.stdout.includes(`GET ${path}`))
  assert.doesNotMatch(run.stdout, /RST_STREAM|PROTOCOL_ERROR/)
})

test('nghttp: padded frames and a small table are understood', { skip }, async () => {
  const run = await runPeer('nghttp', ['-v', '-b', '100', '-c', '128', url('/1')])
  assert.equal(run.code, 0, run.stderr)
  assert.match(run.stdout, /:status: 200/)
})

test('nghttp: a head of 48 kB in HEADERS and CONTINUATION frames arrives', { skip }, async () => {
  const run = await runPeer('nghttp', ['-v', '--continuation', url('/1')])
  assert.equal(run.code, 0, run.stderr)
  // nghttp tells of the frames as one, whose coded length is more than a frame may have.
  assert.ok(Number(/send HEADERS frame <length=(\d+)/.exec(run.stdout)?.[1]) > 16_384, run.stdout.slice(0, 2_000))
  assert.match(run.stdout, /:status: 200/, 'within max_request_headers_kb')
})

test('h2load: 5,000 requests on 4 connections, 50 streams each, none fails', { skip }, async () => {
  const run = await runPeer('h2load', ['-n', '5000', '-c', '4', '-m', '50', url('/load')], '', 60_000)
  assert.equal(run.code, 0, run.stderr)
  assert.match(run.stdout, /requests: 5000 total, 5000 started, 5000 done, 5000 succeeded, 0 failed, 0 errored/)
})

test('h2load: windows of 1 kB stop nobody', { skip }, async () => {
  const run = await runPeer('h2load', ['-n', '200', '-c', '2', '-m', '10', '-w', '10', '-W', '10', url('/load')])
  assert.match(run.stdout, /200 succeeded, 0 failed, 0 errored/)
})
