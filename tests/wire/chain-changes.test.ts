import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { once } from '@weft/testkit/once'
import { listenerFilter, tcpListener, tcpProxy, tcpServer } from './l4.ts'
import { anyHost, everythingTo, manager, proxyFor, staticCluster } from './proxy-under-test.ts'

const from = (address: string): JsonObject => ({ sourcePrefixRanges: [{ addressPrefix: address, prefixLen: 32 }] })
const chain = (address: string, filter: JsonObject): JsonObject => ({
  filterChainMatch: from(address),
  filters: [filter],
})

async function clientFrom(t: TestContext, port: number, localAddress: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  socket.on('error', () => {})
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function says(socket: Socket, word: string): Promise<string> {
  const answer = once(socket, 'data')
  socket.write(word)
  return String((await answer)[0])
}

test('a long connection outlives changes of other chains and of the order, and drains when its own chain changes', async (t) => {
  const { port } = await tcpServer(t, (socket) => socket.pipe(socket))
  const clusters = [staticCluster('b', [port])]
  const listening = (...filterChains: JsonObject[]): JsonObject => tcpListener('in', { filterChains })
  const kept = chain('127.0.0.1', tcpProxy('b'))
  const proxy = await proxyFor(t, { clusters, listeners: [listening(kept, chain('127.0.0.2', tcpProxy('b')))] })
  const stays = await clientFrom(t, proxy.portOf('in'), '127.0.0.1')
  const goes = await clientFrom(t, proxy.portOf('in'), '127.0.0.2')
  assert.equal(await says(stays, 'one'), 'one')
  assert.equal(await says(goes, 'two'), 'two')

  const changed = chain('127.0.0.2', tcpProxy('b', { idleTimeout: '7s' }))
  proxy.apply({ clusters, listeners: [listening(chain('127.0.0.3', tcpProxy('b')), changed, kept)] })
  await once(goes, 'close')
  assert.equal(await says(stays, 'still'), 'still', 'its chain only moved in the list')
  assert.equal(await says(await clientFrom(t, proxy.portOf('in'), '127.0.0.2'), 'again'), 'again')

  proxy.apply({ clusters, listeners: [listening(chain('127.0.0.1', tcpProxy('b', { idleTimeout: '8s' })))] })
  await once(stays, 'close')
})

test('a chain that stays keeps its connections even when a more specific one is put beside it', async (t) => {
  const { port } = await tcpServer(t, (socket) => socket.pipe(socket))
  const clusters = [staticCluster('b', [port])]
  const wide = { filters: [tcpProxy('b')] }
  const proxy = await proxyFor(t, { clusters, listeners: [tcpListener('in', { filterChains: [wide] })] })
  const stays = await clientFrom(t, proxy.portOf('in'), '127.0.0.1')
  assert.equal(await says(stays, 'one'), 'one')
  const narrow = chain('127.0.0.1', manager(everythingTo('b')))
  proxy.apply({ clusters, listeners: [tcpListener('in', { filterChains: [narrow, wide] })] })
  // The drain time of these tests is a second.
  await new Promise((resolve) => setTimeout(resolve, 1_200))
  assert.equal(await says(stays, 'two'), 'two')
  assert.match(await says(await clientFrom(t, proxy.portOf('in'), '127.0.0.1'), 'no http\r\n\r\n'), /^HTTP\/1\.1 426 /)
})

test('a connection that is still on its way in when its listener changes is served by the listener as it is then', async (t) => {
  const answer = (status: number): JsonObject => ({
    listenerFilters: [listenerFilter('tls_inspector')],
    filterChains: [{ filters: [manager(anyHost([{ match: { prefix: '/' }, directResponse: { status } }]))] }],
  })
  const proxy = await proxyFor(t, { clusters: [], listeners: [tcpListener('in', answer(403))] })
  const early = await clientFrom(t, proxy.portOf('in'), '127.0.0.1')
  const served = await clientFrom(t, proxy.portOf('in'), '127.0.0.1')
  const request = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
  assert.match(await says(served, request), /^HTTP\/1\.1 403 /)
  // Nothing was said on the first one yet, so its chain is not chosen.
  proxy.apply({ clusters: [], listeners: [tcpListener('in', answer(204))] })
  assert.match(await says(early, request), /^HTTP\/1\.1 204 /)
  assert.match(await says(early, request), /^HTTP\/1\.1 204 /)
  assert.match(await says(served, request), /^HTTP\/1\.1 204 /)
})
