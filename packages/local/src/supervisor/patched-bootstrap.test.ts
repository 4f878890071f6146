import assert from 'node:assert/strict'
import { test } from 'node:test'
import { patchedBootstrap } from './patched-bootstrap.ts'

const base = JSON.stringify({
  node: { id: 'x', metadata: { WEFT: { flavor: 'envoy' } } },
  layered_runtime: { layers: [{ name: 'weft' }] },
  tracing: { http: { name: 'a', typed_config: { '@type': 'one', a: 1 } } },
})

test('scalars replace, messages merge, lists grow or are replaced, configurations of two types do not mix', () => {
  const patches = [
    { value: { enable_dispatcher_stats: false, layered_runtime: { layers: [{ name: 'own' }] } }, lists: 'append' },
    { value: { enable_dispatcher_stats: true }, lists: 'append' },
    { value: { tracing: { http: { typed_config: { '@type': 'two', b: 2 } } } }, lists: 'append' },
  ] as const
  const node = { id: 'x', metadata: { WEFT: { flavor: 'envoy', bootstrap: 'v1' } } }
  const tracing = { http: { name: 'a', typed_config: { '@type': 'two', b: 2 } } }
  assert.deepEqual(JSON.parse(patchedBootstrap(base, { version: 'v1', patches })), {
    node,
    layered_runtime: { layers: [{ name: 'weft' }, { name: 'own' }] },
    enable_dispatcher_stats: true,
    tracing,
  })
  const replacing = [{ value: { layered_runtime: { layers: [] } }, lists: 'replace' }] as const
  const replaced = JSON.parse(patchedBootstrap(base, { version: 'v1', patches: replacing })) as Record<string, unknown>
  assert.deepEqual(replaced['layered_runtime'], { layers: [] })
})
