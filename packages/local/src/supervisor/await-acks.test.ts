import assert from 'node:assert/strict'
import { test } from 'node:test'
import { awaitAcks, type SeenInstance } from './await-acks.ts'

const leaving: SeenInstance = { name: 'catalog-1', namespace: 'shop', ready: true, draining: true }

interface Proxy {
  readonly instance: string
  readonly namespace: string
  readonly connected: boolean
  readonly types: readonly { readonly state: string }[]
}

function proxy(change: Partial<Proxy>): Proxy {
  return { instance: 'web-0', namespace: 'shop', connected: true, types: [{ state: 'accepted' }], ...change }
}

async function outcome(instance: SeenInstance, proxies: readonly Proxy[] | undefined): Promise<boolean> {
  const control = {
    ask: async (path: string) =>
      path === '/v1/snapshot' ? { instances: [instance] } : proxies === undefined ? undefined : { proxies },
  }
  const noticed = (seen: readonly SeenInstance[]): boolean => seen.every(({ draining }) => draining)
  return awaitAcks(control, { noticed, by: () => new Set(['shop/web-0']) }, 60)
}

test('acknowledged is what every proxy that must has accepted, and nothing less', async () => {
  assert.equal(await outcome(leaving, [proxy({})]), true)
  assert.equal(await outcome(leaving, [proxy({ types: [{ state: 'refused' }] })]), true, 'refused: it will not come')
  assert.equal(await outcome({ ...leaving, draining: false }, [proxy({})]), false, 'not noticed yet')
  assert.equal(await outcome(leaving, [proxy({ types: [{ state: 'accepted' }, { state: 'warming' }] })]), false)
  assert.equal(await outcome(leaving, [proxy({ types: [{ state: 'unsubscribed' }] })]), false)
  assert.equal(await outcome(leaving, [proxy({ types: [] })]), false, 'a stream on which nothing was said yet')
  assert.equal(await outcome(leaving, [proxy({ connected: false })]), false, 'it may still know the old endpoints')
  assert.equal(await outcome(leaving, []), false, 'after a restart of the control plane')
  assert.equal(await outcome(leaving, undefined), false, 'nobody answers')
})

test('proxies that need not be waited for are not', async () => {
  assert.equal(await outcome(leaving, [proxy({}), proxy({ instance: 'failed-0', connected: false })]), true)
})
