import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFiles } from '../../parse/load-files.ts'

const modulus = 'A'.repeat(342)
const rsa = { kty: 'RSA', e: 'AQAB', n: modulus }

function problemOf(rule: object): string | undefined {
  const text = `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: t, namespace: shop }
spec: { jwtRules: [${JSON.stringify({ issuer: 'i', ...rule })}] }
`
  return loadFiles([{ name: 'tokens.yaml', text }], 'envoy').problems[0]?.message
}

test('places of keys are URLs that can be asked', () => {
  const good = [
    'http://keys',
    'https://login.example:8443/a?b=c',
    'http://127.0.0.1:1/k',
    'https://[::1]/k',
    'HTTP://Keys.Shop/k',
  ]
  for (const jwksUri of good) assert.equal(problemOf({ jwksUri }), undefined, jwksUri)
  const bad = [
    'http://h:65536/k',
    'http://h:0/k',
    'http://h:/k',
    'https://h|x/k',
    'http://h_x/k',
    'https://ä.example/k',
  ]
  for (const jwksUri of [...bad, 'https://user:word@h/k', 'http:///k', 'ftp://h/k'])
    assert.match(problemOf({ jwksUri }) ?? 'accepted', /is not a URL/, jwksUri)
  for (const jwksUri of ['http://1.2.3.256/k', 'http://[1::2::3]/k', 'http://keys.1/k'])
    assert.match(problemOf({ jwks_uri: jwksUri }) ?? 'accepted', /neither a name nor an address/, jwksUri)
})

test('of the keys themselves one must be of use', () => {
  const jwks = (...keys: unknown[]): string | undefined => problemOf({ jwks: JSON.stringify({ keys }) })
  const good = [
    rsa,
    { ...rsa, alg: 'PS256' },
    { kty: 'EC', crv: 'P-256', x: 'x'.repeat(43), y: 'y'.repeat(43), alg: 'ES256' },
    { kty: 'EC', crv: 'P-521', x: 'x'.repeat(88), y: 'y'.repeat(88) },
    { kty: 'OKP', crv: 'Ed25519', x: 'x'.repeat(43) },
    { kty: 'oct', k: 'AAAA' },
  ]
  for (const key of good) assert.equal(jwks(key), undefined, JSON.stringify(key))
  assert.equal(jwks({}, rsa), undefined, 'Envoy leaves out the ones it does not know')
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [1, /is not an object/],
    [{}, /`kty`/],
    [{ kty: 'DH' }, /`kty`/],
    [{ kty: 'RSA' }, /`n`/],
    [{ ...rsa, n: 'AQAB' }, /`n`/],
    [{ ...rsa, n: `!${modulus}` }, /`n`/],
    [{ ...rsa, e: '' }, /`e`/],
    [{ ...rsa, alg: 'ES256' }, /`alg`/],
    [{ kty: 'EC', crv: 'P-224', x: 'x', y: 'y' }, /`crv`/],
    [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }, /`x`/],
  ]
  for (const [key, message] of bad) {
    assert.match(jwks(key) ?? 'accepted', /no key that a token could be verified with/)
    assert.match(jwks(key) ?? '', message)
  }
  for (const text of ['', '[]', '{"keys": []}', '{"keys": {}}'])
    assert.match(problemOf({ jwks: text }) ?? 'accepted', /JSON Web Key Set|not allowed/, text)
})

test('what stands before a token is part of a header', () => {
  assert.match(
    problemOf({ jwks: JSON.stringify({ keys: [rsa] }), fromHeaders: [{ name: 'x', prefix: 'a\n' }] }) ?? '',
    /header value/,
  )
})
