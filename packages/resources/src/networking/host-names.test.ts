import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostCovers, resolveGateway, resolveHost } from './host-names.ts'

test('only a name without dots is a Service of the own namespace', () => {
  assert.equal(resolveHost('catalog', 'shop'), 'catalog.shop.svc.cluster.local')
  assert.equal(resolveHost('Catalog', 'shop'), 'catalog.shop.svc.cluster.local')
  assert.equal(resolveHost('catalog.other', 'shop'), 'catalog.other')
  assert.equal(resolveHost('*', 'shop'), '*')
})

test('gateways are named in the own namespace unless another is written', () => {
  assert.deepEqual(
    ['mesh', 'edge', './edge', 'infra/edge'].map((name) => resolveGateway(name, 'shop')),
    ['mesh', 'shop/edge', 'shop/edge', 'infra/edge'],
  )
})

test('a wildcard covers names below it, not itself', () => {
  assert.equal(hostCovers('*.example.com', 'shop.example.com'), true)
  assert.equal(hostCovers('*.example.com', 'example.com'), false)
  assert.equal(hostCovers('*.example.com', '.example.com'), false)
  assert.equal(hostCovers('*', 'anything'), true)
  assert.equal(hostCovers('a', 'b'), false)
})
