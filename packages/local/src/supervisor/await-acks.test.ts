import assert from 'node:assert/strict'
import { test } from 'node:test'
import { awaitAcks, type Awaited } from './await-acks.ts'

interface Proxy {
  connected: boolean
  states: string[]
}

// The control plane's API as the supervisor asks it; `proxies` may change while it is asked.
function controlWith(proxies: Record<string, Proxy>, draining = (): boolean => true) {
  const ask = async (path: string): Promise<unknown> => {
    if (path === '/v1/snapshot') {
      return { instances: [{ name: 'catalog-0', namespace: 'shop', ready: true, draining: draining() }] }
    }
    return {
      proxies: Object.entries(proxies).map(([instance, { connected, states }]) => ({
        instance,
        namespace: 'shop',
        connected,
        types: states.map((state) => ({ state })),
      })),
    }
  }
  return { ask }
}

const awaited: Awaited = {
  noticed: (seen) => seen.every(({ draining }) => draining),
  serves: (key) => key !== 'shop/starting-0',
}

test('all have acknowledged: nothing is missing; a proxy that never served is not waited for', async () => {
  const control = controlWith({
    'web-0': { connected: true, states: ['accepted', 'refused'] },
    'starting-0': { connected: false, states: [] },
  })
  assert.equal(await awaitAcks(control, awaited, 1_000), undefined)
})

test('a proxy that was connected to an earlier control plane is waited for until it has connected and acknowledged', async () => {
  const web: Proxy = { connected: false, states: ['unsubscribed', 'unsubscribed'] }
  const control = controlWith({ 'web-0': web })
  assert.match((await awaitAcks(control, awaited, 60)) ?? '', /web-0/)
  web.connected = true
  assert.match((await awaitAcks(control, awaited, 60)) ?? '', /web-0/, 'connected, but it has not asked for everything')
  web.states = ['accepted', 'warming']
  assert.match((await awaitAcks(control, awaited, 60)) ?? '', /web-0/)
  web.states = ['accepted', 'accepted']
  assert.equal(await awaitAcks(control, awaited, 1_000), undefined)
})

test('a proxy that has acknowledged and is away for a moment is not waited for', async () => {
  const control = controlWith({ 'web-0': { connected: false, states: ['accepted', 'accepted'] } })
  assert.equal(await awaitAcks(control, awaited, 1_000), undefined)
})

test('acknowledgements of what was before the change do not count', async () => {
  let draining = false
  const control = controlWith({ 'web-0': { connected: true, states: ['accepted'] } }, () => draining)
  assert.match((await awaitAcks(control, awaited, 60)) ?? '', /not noticed/)
  draining = true
  assert.equal(await awaitAcks(control, awaited, 1_000), undefined)
})
