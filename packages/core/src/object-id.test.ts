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
