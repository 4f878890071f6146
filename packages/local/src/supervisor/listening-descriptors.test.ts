import assert from 'node:assert/strict'
import { type ChildProcess, type SendHandle, spawn } from 'node:child_process'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'
import { once } from '@weft/testkit/once'
import { freePort } from '@weft/testkit/ports'
import { ListeningDescriptors } from './listening-descriptors.ts'

const alone = { shard: 0, shards: 1, index: 0 }

/** Listens on the handle it is sent and answers every connection with its name; ends with the test at the latest. */
const acceptor = `
import net from 'node:net'
process.on('message', (name, handle) => net.createServer((socket) => socket.end(name)).listen(handle, () => process.send('up')))
process.on('disconnect', () => process.exit())
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
  const descriptors = new ListeningDescriptors({ spread: false })
  const [first, second] = [{}, {}]
  const port = await freePort()
  const handle = descriptors.acquire(first, { host: '127.0.0.1', port: port }, alone)
  assert.ok(handle.ok && handle.value.handle !== undefined)
  const one = await acceptorOn(handle.value.handle, 'one')
  assert.equal(await ask(port), 'one')
  await end(one)
  descriptors.abandon(first)
  const waiting = Array.from({ length: 20 }, () => ask(port))
  const again = descriptors.acquire(second, { host: '127.0.0.1', port: port }, alone)
  assert.equal(again.ok && again.value.handle, handle.value.handle)
  const two = await acceptorOn(handle.value.handle, 'two')
  descriptors.forgetAbandoned()
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['two']))
  descriptors.release(second, '127.0.0.1', port)
  await end(two)
  assert.equal(await ask(port), 'ECONNREFUSED', 'released by its last user')
})

test('what no successor asks for is closed, and no sooner', async () => {
  const descriptors = new ListeningDescriptors({ spread: false })
  const [first, second] = [{}, {}]
  const [kept, dropped] = [await freePort(), await freePort()]
  for (const port of [kept, dropped]) assert.ok(descriptors.acquire(first, { host: '127.0.0.1', port: port }, alone).ok)
  descriptors.abandon(first)
  descriptors.release(first, '127.0.0.1', kept)
  assert.ok(descriptors.acquire(second, { host: '127.0.0.1', port: kept }, alone).ok)
  assert.equal(descriptors.addresses.length, 2)
  descriptors.forgetAbandoned()
  assert.deepEqual(descriptors.addresses, [`127.0.0.1:${kept}`])
  descriptors.close()
})

test('an address in use, or not ours, is an error that names it', async () => {
  const descriptors = new ListeningDescriptors({ spread: false })
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  assert.deepEqual(descriptors.acquire({}, { host: '127.0.0.1', port: port }, alone), {
    ok: false,
    error: `listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
  })
  const foreign = descriptors.acquire({}, { host: '192.0.2.1', port: port }, alone)
  assert.match(foreign.ok ? '' : foreign.error, /EADDRNOTAVAIL.*192\.0\.2\.1/)
  assert.match(JSON.stringify(descriptors.acquire({}, { host: 'no-address', port: port }, alone)), /"ok":false/)
  assert.deepEqual(descriptors.addresses, [])
  server.close()
})

const skipSpread = process.platform === 'linux' ? false : 'only Linux deals connections out'

test('spread, each process has a descriptor of its own and the kernel deals connections out', {
  skip: skipSpread,
}, async () => {
  const descriptors = new ListeningDescriptors({ spread: true })
  const port = await freePort()
  const at = { host: '127.0.0.1', port }
  const acceptors: ChildProcess[] = []
  for (const shard of [0, 1]) {
    const lent = descriptors.acquire({}, at, { shard, shards: 2, index: 0 })
    assert.ok(lent.ok && !lent.value.more)
    acceptors.push(await acceptorOn(lent.value.handle, `shard ${shard}`))
  }
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask(port)))
  for (const name of ['shard 0', 'shard 1']) {
    const share = answers.filter((answer) => answer === name).length
    // Five standard deviations around half.
    assert.ok(share >= 25 && share <= 75, `${name}: ${share} of 100`)
  }
  for (const acceptor of acceptors) await end(acceptor)
  const waiting = Array.from({ length: 40 }, () => ask(port))
  const heir = {}
  const [first, second] = [0, 1].map((index) => descriptors.acquire(heir, at, { shard: 0, shards: 1, index }))
  assert.ok(first?.ok === true && second?.ok === true)
  assert.deepEqual([first.value.more, second.value.more], [true, false])
  const both = [await acceptorOn(first.value.handle, 'heir'), await acceptorOn(second.value.handle, 'heir')]
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['heir']), 'one that is left accepts on both')
  descriptors.release(heir, at.host, port)
  for (const acceptor of both) await end(acceptor)
  descriptors.close()
})

test('spread, an address that somebody else spreads over is in use all the same', { skip: skipSpread }, async () => {
  const port = await freePort()
  const other = createServer().listen({ port, host: '127.0.0.1', reusePort: true })
  await once(other, 'listening')
  const descriptors = new ListeningDescriptors({ spread: true })
  const lent = descriptors.acquire({}, { host: '127.0.0.1', port }, alone)
  assert.match(lent.ok ? '' : lent.error, /EADDRINUSE/)
  other.close()
})

test('more processes than an address can have descriptors share the ones there are', async () => {
  const descriptors = new ListeningDescriptors({ spread: false })
  const at = { host: '127.0.0.1', port: await freePort() }
  const lent = [0, 1, 2].map((shard) => descriptors.acquire({}, at, { shard, shards: 3, index: 0 }))
  assert.equal(new Set(lent.map((one) => one.ok && one.value.handle)).size, 1)
  assert.ok(lent.every((one) => one.ok && !one.value.more))
  descriptors.close()
})
