import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CommonTls, type SanMatcher, testValue } from '@weft/engine'
import { peerVerifier } from './peer-verifier.ts'

const own = 'spiffe://cluster.local/ns/shop/sa/web'

function uri(is: 'exact' | 'prefix' | 'contains', value: string, ignoreCase = false): SanMatcher {
  return { type: 'uri', test: { is, value, ignoreCase } }
}

function verdict(spiffeId: string, sans: readonly SanMatcher[]): string | undefined {
  const tls: CommonTls = {
    certificateSecret: 'default',
    rootsSecret: 'ROOTCA',
    sans,
    alpn: [],
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
  }
  const verify = peerVerifier(tls, own, ({ test: one }, name) => testValue(one, name))
  return verify({ spiffeId, dnsNames: [], notAfterMs: 0, serial: '01' })
}

test('a peer of another trust domain is refused, unless a matcher spells its domain out', () => {
  const alias = 'spiffe://old.example/ns/shop/sa/web'
  const mesh = uri('prefix', 'spiffe://cluster.local/')
  assert.equal(verdict(own, [mesh]), undefined)
  assert.match(verdict(alias, [mesh]) ?? '', /is not of trust domain cluster\.local/)
  assert.equal(verdict(alias, [mesh, uri('prefix', 'spiffe://old.example/')]), undefined)
  assert.equal(verdict(alias, [uri('exact', alias)]), undefined)
})

test('a matcher that would take more than one trust domain, or none at all, lets no other in', () => {
  const alias = 'spiffe://old.example/ns/shop/sa/web'
  for (const sans of [
    [],
    [uri('prefix', 'spiffe://old.example')],
    [uri('prefix', 'spiffe://')],
    [uri('contains', 'old.example/')],
    [uri('prefix', 'spiffe://old.example/', true)],
  ])
    assert.match(verdict(alias, sans) ?? '', /is not of trust domain/, JSON.stringify(sans))
})

test('the name itself is asked for as well', () => {
  const sans = [uri('exact', 'spiffe://old.example/ns/shop/sa/other')]
  assert.match(verdict('spiffe://old.example/ns/shop/sa/web', sans) ?? '', /not one of the names expected here/)
})
