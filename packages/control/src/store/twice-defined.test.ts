import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimWorld } from '@weft/testkit'
import { ConfigStore } from './config-store.ts'

const allow = `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: p }\nspec: { rules: [{}] }\n`
const deny = allow.replace('spec: {', 'spec: { action: DENY,')

function startedStore(): ConfigStore {
  return new ConfigStore(new SimWorld(1).runtimeOf('control'), '/m/.weft/state/objects.json')
}

function blockedBy(store: ConfigStore, a: string, b: string): string[] {
  store.apply([
    { name: 'a.yaml', text: a },
    { name: 'b.yaml', text: b },
  ])
  return store.state.blocking.map(({ code, position }) => `${position?.file} ${code}`)
}

test('a security object that is there twice from the start blocks; one beside what is in force does not', () => {
  assert.deepEqual(blockedBy(startedStore(), allow, deny), ['b.yaml duplicate-object'])
  const running = startedStore()
  running.apply([{ name: 'a.yaml', text: allow }])
  assert.deepEqual(blockedBy(running, allow, deny), [])
})

test('what is no security object is served in its first definition', () => {
  const service = 'apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { ports: [{ port: 80 }] }\n'
  assert.deepEqual(blockedBy(startedStore(), service, service), [])
})
