// A Host line may be empty (RFC 9112 section 3.2): the authority is there all the same, as Envoy has it.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { anyHost, httpListener, startProxy, staticCluster } from './proxy-under-test.ts'
import { answering, converse } from './raw-http.ts'

test('an empty authority is present for conditions, and where it is rewritten nothing is told of it', async () => {
  const backend = await answering('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
  const hasNone = { name: ':authority', presentMatch: true, invertMatch: true }
  const routes = anyHost([
    { match: { prefix: '/', headers: [hasNone] }, directResponse: { status: 410 } },
    { match: { prefix: '/' }, route: { cluster: 'b', hostRewriteLiteral: 'inner' } },
  ])
  const clusters = [staticCluster('b', [backend.port])]
  const proxy = await startProxy({ listeners: [httpListener('in', routes)], clusters })
  after(async () => {
    await proxy.close()
    await backend.close()
  })
  const ask = (host: string): Promise<string> =>
    converse(proxy.portOf('in'), [`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`])
  assert.match(await ask(''), /^HTTP\/1\.1 200 /)
  assert.match(await ask('outer'), /^HTTP\/1\.1 200 /)
  const received = backend.received.join('')
  assert.deepEqual(received.match(/^host: .*$/gm), ['host: inner', 'host: inner'])
  assert.deepEqual(received.match(/^x-envoy-original-host: .*$/gm), ['x-envoy-original-host: outer'])
})
