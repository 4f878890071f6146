// Draining a kept connection never loses a request: whoever is told nothing may send on.
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { once } from '@weft/testkit/once'
import { everythingTo, httpListener, startProxy, staticCluster } from './proxy-under-test.ts'
import { answering, rawBackend } from './raw-http.ts'
import { until } from './test-runtime.ts'

const request = (method: string): string => `${method} / HTTP/1.1\r\nHost: s\r\ncontent-length: 0\r\n\r\n`

// A client on a kept connection, and everything it was sent.
async function clientOf(port: number): Promise<{ socket: Socket; text(): string }> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  await once(socket, 'connect')
  return { socket, text: () => text }
}

test('a drain that begins between an answer’s head and its end: the next request is answered, and told to close', async (t) => {
  let finish = (): void => {}
  const backend = await rawBackend((socket, text) => {
    const requests = text.split('\r\n\r\n').length - 1
    if (requests > 1) return void socket.write('HTTP/1.1 201 Created\r\ncontent-length: 3\r\n\r\ntwo')
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\none')
    finish = () => socket.write('one')
  })
  const clusters = [staticCluster('b', [backend.port])]
  const proxy = await startProxy({ listeners: [httpListener('in', everythingTo('b'))], clusters })
  t.after(async () => {
    await proxy.close()
    await backend.close()
  })
  const { socket, text } = await clientOf(proxy.portOf('in'))
  socket.write(request('GET'))
  await until(() => text().endsWith('one'), 'half of the first answer')
  assert.doesNotMatch(text(), /connection: close/)
  proxy.apply({ clusters })
  finish()
  await until(() => text().endsWith('oneone'), 'the other half')
  socket.write(request('POST'))
  await until(() => text().endsWith('two'), 'the second answer')
  assert.match(text(), /201 Created[^]*connection: close/)
  await until(() => socket.closed, 'the connection ends')
})

test('an idle connection that drains answers the next request with connection: close', async (t) => {
  const backend = await answering('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
  const clusters = [staticCluster('b', [backend.port])]
  const proxy = await startProxy({ listeners: [httpListener('in', everythingTo('b'))], clusters })
  t.after(async () => {
    await proxy.close()
    await backend.close()
  })
  const { socket, text } = await clientOf(proxy.portOf('in'))
  socket.write(request('GET'))
  await until(() => text().endsWith('ok'), 'the first answer')
  proxy.apply({ clusters })
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(socket.readableEnded, false, 'idle, it stays open for now')
  socket.write(request('POST'))
  await until(() => text().split('ok').length === 3, 'the second answer')
  assert.match(text(), /ok[^]*connection: close/)
  await until(() => socket.closed, 'the connection ends')
})
