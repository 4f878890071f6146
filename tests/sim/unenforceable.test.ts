// Security objects that this mesh cannot enforce: nothing fails open.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, fixed, live, route } from './shop-mesh.ts'

const unread = (selector: string): string => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: readers, namespace: shop }
spec:
  selector: ${selector}
  action: ALLOW
  rules: [{ from: [{ source: { requestPrincipals: ["*"] } }] }]
---`

test('a policy found at the start that cannot be enforced denies what it selects, on the wire', async () => {
  const mesh = await live(1, unread('{ matchLabels: { app: catalog } }'))
  assert.equal((await ask(mesh)).body, 'shop with 403 RBAC: access denied')
  assert.deepEqual(mesh.seen, [])
  await mesh.write(fixed + route(''))
  assert.equal((await ask(mesh)).body, 'shop with 200 books', 'once it is taken away')
  await mesh.stop()
})

test('with a selector that cannot be read it denies its whole namespace', async () => {
  const mesh = await live(1, unread('{ matchLabel: { app: catalog } }'))
  assert.equal((await ask(mesh)).status, 403)
  await mesh.stop()
})

test('one that was refused while running has no effect, neither before nor after a restart of the control plane', async () => {
  const mesh = await live(1)
  await mesh.write(fixed + unread('{ matchLabels: { app: catalog } }') + route(''))
  assert.equal((await ask(mesh)).body, 'shop with 200 books')
  mesh.killControl()
  await mesh.startControl()
  await mesh.world.clock.advance(5_000)
  assert.equal((await ask(mesh)).body, 'shop with 200 books')
  await mesh.stop()
})
