import assert from 'node:assert/strict'
import { test } from 'node:test'
import { objectKey } from '@weft/core'
import { rootItself, type SourceFile } from '@weft/resources'
import { SimWorld } from '@weft/testkit'
import { ConfigStore } from './config-store.ts'

const service = 'apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { ports: [{ port: 80 }] }\n'
const secret = 'apiVersion: v1\nkind: Secret\nmetadata: { name: key }\nstringData: { tls.key: x }\n'
const unreadPolicy =
  'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: jwt }\n' +
  'spec:\n  selector: { matchLabels: { app: a } }\n  rules: [{ from: [{ source: { requestPrincipals: [a] } }] }]\n'

/** A store that had `files` in force when it was ended, started again while nobody knows which files there are. */
async function restartedOn(files: Readonly<Record<string, string>>) {
  const world = new SimWorld(1)
  const open = (): ConfigStore => new ConfigStore(world.runtimeOf('control'), '/m/.weft/state/objects.json')
  const first = open()
  first.apply(Object.entries(files).map(([name, text]): SourceFile => ({ name, text })))
  await first.flush()
  first.close()
  const store = open()
  await store.load()
  store.apply([{ name: rootItself, text: '', unreadable: 'the directory is gone' }])
  return { world, store }
}

test('while nobody knows which files there are nothing is deleted, and each object says why it is not the newest', async () => {
  const { world, store } = await restartedOn({ 'mesh/a.yaml': service })
  await world.clock.advance(10_000)
  assert.deepEqual(
    store.state.objects.map(({ id }) => id.name),
    ['a'],
  )
  assert.deepEqual(
    store.state.stale.map(({ reason }) => reason),
    ['.:1: the directory is gone'],
  )
  store.apply([])
  await world.clock.advance(10_000)
  assert.deepEqual(store.state.objects, [], 'deleted once it is known that it is not there')
})

test('a policy that denied since it could not be enforced goes on, for its whole namespace: whom it selects cannot be read', async () => {
  const { store } = await restartedOn({ 'mesh/a.yaml': service, 'mesh/jwt.yaml': unreadPolicy })
  assert.deepEqual(
    store.state.unenforceable.map(({ id, selector }) => [objectKey(id), selector]),
    [['security.istio.io/AuthorizationPolicy/default/jwt', undefined]],
  )
})

test('a Secret that lies in its own file alone is told to be missing, and is in force again once the file is back', async () => {
  const { store } = await restartedOn({ 'mesh/key.yaml': secret })
  assert.deepEqual(store.state.blocking.map(({ code }) => code).sort(), ['last-version-not-kept', 'unreadable-file'])
  store.apply([{ name: 'mesh/key.yaml', text: secret }])
  assert.deepEqual([store.state.objects.length, store.state.problems], [1, []])
})
