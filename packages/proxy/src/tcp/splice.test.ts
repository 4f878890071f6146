import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NetListener, Transport } from '@weft/core'
import { simRuntime } from '@weft/testkit'
import { Splice, type SpliceEnd } from './splice.ts'

const { world, runtime } = simRuntime(7)

/** Both ends of a fresh connection of the in-memory network. */
async function pair(port: number): Promise<{ near: Transport; far: Transport; listener: NetListener }> {
  let far: Transport | undefined
  const bound = await runtime.net.listen({ host: '127.0.0.1', port }, (transport) => {
    far = transport
  })
  assert.ok(bound.ok)
  let near: Transport | undefined
  runtime.net.connect(
    { host: '127.0.0.1', port },
    (transport) => {
      near = transport
    },
    () => assert.fail('refused'),
  )
  await world.clock.advance(1_000)
  assert.ok(near !== undefined && far !== undefined)
  return { near, far, listener: bound.value }
}

/** Records what arrives at one end. */
function watch(transport: Transport): { text: string; ended: boolean; closed: boolean } {
  const seen = { text: '', ended: false, closed: false }
  transport.handler = {
    onData: (chunk) => {
      seen.text += chunk.toString('latin1')
    },
    onEnd: () => {
      seen.ended = true
    },
    onDrain() {},
    onClose: () => {
      seen.closed = true
    },
  }
  transport.resume()
  return seen
}

async function spliced(port: number, limits = { idleTimeoutMs: 0, maxDurationMs: 0 }) {
  const down = await pair(port)
  const up = await pair(port + 1)
  const ends: SpliceEnd[] = []
  const splice = new Splice(down.far, up.near, { runtime, limits, onEnd: (end) => ends.push(end) })
  return { client: down.near, clientSaw: watch(down.near), server: up.far, serverSaw: watch(up.far), ends, splice }
}

test('bytes cross both ways, those read before the splice first', async () => {
  const { client, clientSaw, server, serverSaw, splice } = await spliced(9000)
  splice.start(Buffer.from('early '))
  client.write(Buffer.from('ping'))
  server.write(Buffer.from('pong'))
  await world.clock.advance(1_000)
  assert.equal(serverSaw.text, 'early ping')
  assert.equal(clientSaw.text, 'pong')
})

test('a half-closed client still gets its answer, and both byte counts are reported once', async () => {
  const { client, clientSaw, server, serverSaw, ends, splice } = await spliced(9010)
  splice.start(undefined)
  client.write(Buffer.from('question'))
  client.end()
  await world.clock.advance(1_000)
  assert.equal(serverSaw.ended, true)
  assert.equal(clientSaw.closed, false)
  server.write(Buffer.from('the answer'))
  server.end()
  await world.clock.advance(1_000)
  assert.equal(clientSaw.text, 'the answer')
  assert.deepEqual(
    ends.map(({ by, bytesFromDownstream, bytesFromUpstream }) => [by, bytesFromDownstream, bytesFromUpstream]),
    [['both', 8, 10]],
  )
})

test('a side that breaks off ends the other one', async () => {
  const { client, serverSaw, ends, splice } = await spliced(9020)
  splice.start(undefined)
  client.destroy(true)
  await world.clock.advance(1_000)
  assert.equal(serverSaw.closed, true)
  assert.equal(ends.length, 1)
  assert.equal(ends[0]?.by, 'downstream')
})

test('a pair on which nothing moves ends after the idle time, one that moves does not', async () => {
  const { client, ends, splice } = await spliced(9030, { idleTimeoutMs: 1_000, maxDurationMs: 0 })
  splice.start(undefined)
  await world.clock.advance(900)
  client.write(Buffer.from('x'))
  await world.clock.advance(900)
  assert.equal(ends.length, 0)
  await world.clock.advance(1_200)
  assert.deepEqual(
    ends.map(({ by }) => by),
    ['idle'],
  )
})

test('a pair ends at its maximum duration however busy it is', async () => {
  const { client, ends, splice } = await spliced(9040, { idleTimeoutMs: 0, maxDurationMs: 1_000 })
  splice.start(undefined)
  for (let i = 0; i < 5; i++) {
    client.write(Buffer.from('x'))
    await world.clock.advance(250)
  }
  assert.deepEqual(
    ends.map(({ by }) => by),
    ['duration'],
  )
})
