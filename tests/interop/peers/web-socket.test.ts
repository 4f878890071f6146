// The `ws` package as client and as server, our proxy in between.
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { once } from '@weft/testkit/once'
import {
  everythingTo,
  httpListener,
  type ProxyUnderTest,
  startProxy,
  staticCluster,
} from '../../wire/proxy-under-test.ts'
import { upgradesWebSockets } from '../protocol/what-weft-speaks.ts'

const skip = (await upgradesWebSockets()) ? false : 'needs upgrades, which this proxy does not do yet'
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
let proxy: ProxyUnderTest

before(async () => {
  await once(server, 'listening')
  server.on('connection', (socket, request) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    if (request.url === '/first') socket.send('the server speaks first')
    if (request.url === '/bye') socket.close(4000, 'bye')
  })
  proxy = await startProxy({
    listeners: [httpListener('in', everythingTo('b'), { upgradeConfigs: [{ upgradeType: 'websocket' }] })],
    clusters: [staticCluster('b', [(server.address() as AddressInfo).port])],
  })
})

after(async () => {
  await proxy.close()
  for (const socket of server.clients) socket.terminate()
  server.close()
})

const open = (path: string): WebSocket => new WebSocket(`ws://127.0.0.1:${proxy.portOf('in')}${path}`)

test('messages of text and bytes come back, 2 MB too', { skip }, async () => {
  const socket = open('/')
  await once(socket, 'open')
  for (const message of ['hello', Buffer.from([0, 1, 255]), Buffer.alloc(2_000_000, 'x')]) {
    socket.send(message)
    const [data, isBinary] = (await once(socket, 'message')) as [Buffer, boolean]
    assert.ok(data.equals(Buffer.from(message)))
    assert.equal(isBinary, typeof message !== 'string')
  }
  socket.close()
  const [code] = (await once(socket, 'close')) as [number]
  assert.equal(code, 1005)
})

test('a server speaks first, and is heard', { skip }, async () => {
  const socket = open('/first')
  const [data] = (await once(socket, 'message')) as [Buffer]
  assert.equal(data.toString(), 'the server speaks first')
  socket.terminate()
})

test('a server closes with a code of its own', { skip }, async () => {
  const [code, reason] = (await once(open('/bye'), 'close')) as [number, Buffer]
  assert.deepEqual([code, reason.toString()], [4000, 'bye'])
})

test('a ping is answered', { skip }, async () => {
  const socket = open('/')
  await once(socket, 'open')
  socket.ping('are you there')
  const [data] = (await once(socket, 'pong')) as [Buffer]
  assert.equal(data.toString(), 'are you there')
  socket.terminate()
})
