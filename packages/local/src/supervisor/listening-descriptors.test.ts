import assert from 'node:assert/strict'
import { type ChildProcess, type SendHandle, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'
import { ListeningDescriptors } from './listening-descriptors.ts'

/** Listens on the handle it is sent and answers every connection with its name. */
const acceptor = `
import net from 'node:net'
process.on('message', (name, handle) => net.createServer((socket) => socket.end(name)).listen(handle, () => process.send('up')))
`

async function acceptorOn(handle: object | undefined, name: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', acceptor], { stdio: ['ignore', 2, 2, 'ipc'] })
  child.send(name, handle as SendHandle)
  await once(child, 'message')
  return child
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** What a client is told, or the error it meets. */
function ask(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    connect(port, '127.0.0.1')
      .on('data', (chunk) => {
        text += chunk
      })
      .on('end', () => resolve(text))
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
  })
}

test('who connects after kill -9 of the acceptor waits, and the next one answers', async () => {
  const descriptors = new ListeningDescriptors()
  const [first, second] = [{}, {}]
  const port = await freePort()
  const handle = descriptors.acquire(first, '127.0.0.1', port)
  assert.ok(handle.ok && handle.value !== undefined)
  const one = await acceptorOn(handle.value, 'one')
  assert.equal(await ask(port), 'one')
  await end(one)
  descriptors.abandon(first)
  const waiting = Array.from({ length: 20 }, () => ask(port))
  const again = descriptors.acquire(second, '127.0.0.1', port)
  assert.equal(again.ok && again.value, handle.value)
  const two = await acceptorOn(handle.value, 'two')
  descriptors.forgetAbandoned()
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['two']))
  descriptors.release(second, '127.0.0.1', port)
  await end(two)
  assert.equal(await ask(port), 'ECONNREFUSED', 'released by its last user')
})

test('what no successor asks for is closed, and no sooner', async () => {
  const descriptors = new ListeningDescriptors()
  const [first, second] = [{}, {}]
  const [kept, dropped] = [await freePort(), await freePort()]
  for (const port of [kept, dropped]) assert.ok(descriptors.acquire(first, '127.0.0.1', port).ok)
  descriptors.abandon(first)
  descriptors.release(first, '127.0.0.1', kept)
  assert.ok(descriptors.acquire(second, '127.0.0.1', kept).ok)
  assert.equal(descriptors.addresses.length, 2)
  descriptors.forgetAbandoned()
  assert.deepEqual(descriptors.addresses, [`127.0.0.1:${kept}`])
  descriptors.close()
})

test('an address in use, or not ours, is an error that names it', async () => {
  const descriptors = new ListeningDescriptors()
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  assert.deepEqual(descriptors.acquire({}, '127.0.0.1', port), {
    ok: false,
    error: `listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
  })
  const foreign = descriptors.acquire({}, '192.0.2.1', port)
  assert.match(foreign.ok ? '' : foreign.error, /EADDRNOTAVAIL.*192\.0\.2\.1/)
  assert.match(JSON.stringify(descriptors.acquire({}, 'no-address', port)), /"ok":false/)
  assert.deepEqual(descriptors.addresses, [])
  server.close()
})
