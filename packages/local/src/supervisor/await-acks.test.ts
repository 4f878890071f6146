import assert from 'node:assert/strict'
import { test } from 'node:test'
import { awaitAcks, type SeenInstance } from './await-acks.ts'

const leaving: SeenInstance = { name: 'catalog-1', namespace: 'shop', ready: true, draining: true }

interface Proxy {
  readonly instance: string
  readonly namespace: string
  readonly kind?: string
  readonly connected: boolean
  readonly types: readonly { readonly state: string }[]
}

function proxy(change: Partial<Proxy>): Proxy {
  return { instance: 'web-0', namespace: 'shop', connected: true, types: [{ state: 'accepted' }], ...change }
}

async function outcome(instance: SeenInstance, proxies: readonly Proxy[] | undefined): Promise<string | undefined> {
  const control = {
    ask: async (path: string) =>
      path === '/v1/snapshot' ? { instances: [instance] } : proxies === undefined ? undefined : { proxies },
  }
  const noticed = (seen: readonly SeenInstance[]): boolean => seen.every(({ draining }) => draining)
  return awaitAcks(control, { noticed, serves: (key) => key === 'shop/web-0' }, 60)
}

test('acknowledged is what every proxy that must has accepted or refused', async () => {
  assert.equal(await outcome(leaving, [proxy({})]), undefined)
  assert.equal(await outcome(leaving, [proxy({ types: [{ state: 'refused' }] })]), undefined, 'it will not come')
  const failed = proxy({ instance: 'failed-0', connected: false, types: [{ state: 'unsubscribed' }] })
  assert.equal(await outcome(leaving, [proxy({}), failed]), undefined, 'it does not serve')
  const away = proxy({ connected: false })
  assert.equal(await outcome(leaving, [away]), undefined, 'away for a moment, it holds what it acknowledged')
})

test('a gRPC library is waited for while it has not taken what its channels asked for, and only then', async () => {
  const library = (state: string, connected = true): Proxy =>
    proxy({ kind: 'grpc', connected, types: [{ state: 'unsubscribed' }, { state }] })
  assert.equal(await outcome(leaving, [library('accepted')]), undefined)
  assert.equal(await outcome(leaving, [library('unsubscribed')]), undefined, 'it has no channel yet')
  assert.equal(await outcome(leaving, [library('warming', false)]), undefined, 'it is away and keeps nothing')
  assert.match((await outcome(leaving, [library('warming')])) ?? '', /not acknowledged by web-0/)
})

test('what is missing is named when the time is over', async () => {
  const by = /not acknowledged by web-0/
  assert.match((await outcome(leaving, [proxy({ types: [{ state: 'accepted' }, { state: 'warming' }] })])) ?? '', by)
  assert.match((await outcome(leaving, [proxy({ types: [{ state: 'unsubscribed' }] })])) ?? '', by)
  assert.match((await outcome(leaving, [proxy({ types: [] })])) ?? '', by, 'a stream on which nothing was said yet')
  const lost = proxy({ connected: false, types: [{ state: 'unsubscribed' }] })
  assert.match((await outcome(leaving, [lost])) ?? '', by, 'it knows the old endpoints')
  const behind = proxy({ connected: false, types: [{ state: 'warming' }] })
  assert.match((await outcome(leaving, [behind])) ?? '', by)
  const unnoticed = /has not noticed/
  assert.match((await outcome({ ...leaving, draining: false }, [proxy({})])) ?? '', unnoticed)
  assert.match((await outcome(leaving, undefined)) ?? '', unnoticed, 'nobody answers')
})

test('a change that concerns one proxy waits for that one alone', async () => {
  const behind = proxy({ instance: 'slow-0', types: [{ state: 'warming' }] })
  const control = {
    ask: async (path: string) =>
      path === '/v1/snapshot' ? { instances: [leaving] } : { proxies: [proxy({}), behind] },
  }
  const until = (concerned: string): Promise<string | undefined> =>
    awaitAcks(control, { noticed: () => true, serves: () => true, concerns: (key) => key === `shop/${concerned}` }, 60)
  assert.equal(await until('web-0'), undefined)
  assert.equal(await until('slow-0'), 'not acknowledged by slow-0')
})
