import assert from 'node:assert/strict'
import { test } from 'node:test'
import { objectKey, originOf } from './object-id.ts'

const id = { cluster: '', group: 'networking.istio.io', kind: 'VirtualService', namespace: 'shop', name: 'catalog' }

test('an origin names group, kind, namespace, name and field, and no line', () => {
  assert.equal(
    originOf(id, 'spec.http[0].route[1]'),
    'networking.istio.io/VirtualService/shop/catalog#spec.http[0].route[1]',
  )
  assert.equal(originOf(id, ''), 'networking.istio.io/VirtualService/shop/catalog')
})

test('the empty group is written as core', () => {
  assert.equal(objectKey({ ...id, group: '', kind: 'Service' }), 'core/Service/shop/catalog')
})

test('an object that was derived has the origins of what was written', () => {
  const key = 'split.smi-spec.io/TrafficSplit/shop/canary'
  const derived = {
    ...id,
    writtenAs: {
      key,
      paths: [
        ['spec.rules[0]', 'spec.matches'],
        ['spec.rules[0].backendRefs[1]', 'spec.backends[1]'],
      ] as const,
    },
  }
  assert.equal(originOf(derived, 'spec.rules[0].backendRefs[1].weight'), `${key}#spec.backends[1]`)
  assert.equal(originOf(derived, 'spec.rules[0].backendRefs[10]'), `${key}#spec.matches`)
  assert.equal(originOf(derived, 'spec.rules[01]'), key)
  assert.equal(originOf(derived, ''), key)
  assert.equal(objectKey(derived), objectKey(id))
})
