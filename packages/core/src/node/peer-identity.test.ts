import assert from 'node:assert/strict'
import { test } from 'node:test'
import { distinguishedName, parseSubjectAltName } from './peer-identity.ts'

test('subject alternative names are read with their quoting, and unreadable text names nobody', () => {
  assert.deepEqual(parseSubjectAltName('URI:spiffe://a/b, DNS:c.example'), {
    uris: ['spiffe://a/b'],
    dnsNames: ['c.example'],
    ipAddresses: [],
  })
  assert.deepEqual(parseSubjectAltName('DNS:"a, URI:spiffe://evil/x", IP Address:10.0.0.1').uris, [])
  assert.deepEqual(parseSubjectAltName('IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1').ipAddresses, [
    '10.0.0.1',
    '0:0:0:0:0:0:0:1',
  ])
  const nobody = { uris: [], dnsNames: [], ipAddresses: [] }
  assert.deepEqual(parseSubjectAltName('DNS:a"b, URI:spiffe://a/b'), nobody)
  assert.deepEqual(parseSubjectAltName(undefined), nobody)
})

test('a distinguished name is one line with the most particular part first, and plain ASCII', () => {
  assert.equal(distinguishedName('C=CH\nO=Caf\u00e9\nCN=web'), 'CN=web,O=Caf\\C3\\A9,C=CH')
  assert.equal(distinguishedName('CN=a\\,b'), 'CN=a\\,b')
  assert.equal(distinguishedName(undefined), '')
})
