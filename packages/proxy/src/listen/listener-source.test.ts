import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeRuntime } from '@weft/core/node'
import { err, ok, type Answer, type DatagramSocket, type ListenAt, type ProxyQuestions, type Result } from '@weft/core'
import { type DescriptorLender, inheritedListeners, type ListenerSource, sharedDatagrams } from './listener-source.ts'

type Lending = (index: number) => Result<Answer<ProxyQuestions['listen'][1]>>

/** A source over a supervisor that lends as told, and what came of it. */
function source(lend: Lending, bindFails?: string) {
  const bound: ListenAt[] = []
  const closed: (object | undefined)[] = []
  const released: unknown[] = []
  const bind: ListenerSource = async (at) => {
    if (bindFails !== undefined) return err(bindFails)
    bound.push(at)
    return ok({
      address: at.host,
      port: at.port === 0 ? 4_711 : at.port,
      close: async () => void closed.push(at.handle),
    })
  }
  const ask = async (name: string, question: unknown): Promise<Result<Answer<unknown>>> => {
    if (name === 'listen') return lend((question as { index: number }).index)
    released.push(question)
    return ok({ value: null })
  }
  const listen = inheritedListeners(bind, { ask } as DescriptorLender)
  return { listen, bound, closed, released }
}

const at = { host: '127.0.0.1', port: 8080 }

test('every descriptor that is lent is listened on, and all are given back together', async () => {
  const handles = [{ of: 0 }, { of: 1 }, { of: 2 }]
  const { listen, bound, closed, released } = source((index) =>
    ok({ value: { more: index < 2 }, handle: handles[index] }),
  )
  const listening = await listen(at, () => {})
  assert.ok(listening.ok)
  assert.deepEqual(
    bound.map(({ handle }) => handle),
    handles,
  )
  assert.deepEqual(released, [])
  await listening.value.close()
  assert.deepEqual(closed, handles)
  assert.deepEqual(released, [at])
})

test('without a fixed port, or where the supervisor leaves it to us, we bind', async () => {
  const { listen, bound } = source(() => ok({ value: {} }))
  const any = await listen({ host: '127.0.0.1', port: 0 }, () => {})
  assert.equal(any.ok && any.value.port, 4_711)
  assert.ok((await listen(at, () => {})).ok)
  assert.deepEqual(
    bound.map(({ port, handle }) => [port, handle]),
    [
      [0, undefined],
      [8080, undefined],
    ],
  )
})

test('a refusal, a supervisor that is gone and a handle that cannot be listened on are errors, and nothing is kept', async () => {
  const refused = source(() => ok({ value: { error: 'EADDRINUSE' } }))
  assert.deepEqual(await refused.listen(at, () => {}), err('EADDRINUSE'))
  const gone = source(() => err('the other process is gone'))
  assert.deepEqual(await gone.listen(at, () => {}), err('no descriptor from the supervisor: the other process is gone'))
  const broken = source(() => ok({ value: {}, handle: {} }), 'EINVAL')
  assert.deepEqual(await broken.listen(at, () => {}), err('EINVAL'))
  assert.deepEqual(broken.released, [at])
  const second = source((index) => (index === 0 ? ok({ value: { more: true }, handle: {} }) : err('late')))
  assert.equal((await second.listen(at, () => {})).ok, false)
  assert.equal(second.closed.length, 1)
})

test('datagrams go to processes that bind one address side by side, and to the one that is left', async () => {
  const datagrams = nodeRuntime().net.datagrams
  assert.ok(datagrams !== undefined)
  const seen: string[] = []
  const bind = async (name: string, port: number): Promise<DatagramSocket> => {
    const bound = await sharedDatagrams(datagrams).bind(
      { host: '127.0.0.1', port },
      () => void seen.push(name),
      () => {},
    )
    assert.ok(bound.ok, bound.ok ? '' : bound.error)
    return bound.value
  }
  const free = await datagrams.bind(
    { host: '127.0.0.1', port: 0 },
    () => {},
    () => {},
  )
  assert.ok(free.ok)
  const { port } = free.value
  free.value.close()
  const [old, next] = [await bind('old', port), await bind('next', port)]
  const sender = await bind('sender', 0)
  old.close()
  for (let sent = 0; sent < 5; sent++) sender.send(Buffer.from('x'), { address: '127.0.0.1', port })
  for (let turn = 0; turn < 200 && seen.length < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(seen, ['next', 'next', 'next', 'next', 'next'])
  const alone = await datagrams.bind(
    { host: '127.0.0.1', port },
    () => {},
    () => {},
  )
  assert.equal(alone.ok, false, 'who does not share does not join')
  next.close()
  sender.close()
})
