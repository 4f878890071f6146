import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proxyFor, readProxy } from './http-proxy.ts'

test('the proxy is what HTTP_PROXY names, its lower-case form first', () => {
  assert.deepEqual(readProxy({ HTTP_PROXY: 'http://127.0.0.2:15001' }), {
    host: '127.0.0.2',
    port: 15001,
    bypassed: [],
  })
  assert.equal(readProxy({ http_proxy: 'http://one', HTTP_PROXY: 'http://two' })?.host, 'one')
  assert.equal(readProxy({ HTTP_PROXY: 'http://one' })?.port, 80)
  assert.equal(readProxy({ HTTP_PROXY: '' }), undefined)
  assert.equal(readProxy({}), undefined)
})

test('what is no http:// URL is refused', () => {
  for (const text of ['one:80', 'https://one', 'one'])
    assert.throws(() => readProxy({ HTTP_PROXY: text }), /HTTP_PROXY=.* is not an http:\/\/ URL/)
})

test('names of NO_PROXY are reached without it', () => {
  const proxy = readProxy({ HTTP_PROXY: 'http://one', NO_PROXY: 'catalog, orders:8080,.example.org' })
  const bypassed = (authority: string): boolean => proxyFor(proxy, authority) === undefined
  assert.deepEqual(['catalog', 'CATALOG:81', 'orders:8080', 'a.example.org'].map(bypassed), [true, true, true, true])
  assert.deepEqual(['orders', 'web', 'example.org', 'xcatalog'].map(bypassed), [false, false, false, false])
  assert.equal(proxyFor(readProxy({ HTTP_PROXY: 'http://one', NO_PROXY: '*' }), 'web'), undefined)
})
