import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { rootCertificates } from 'node:tls'
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { simRuntime } from '@weft/testkit'
import { typeUrl } from '@weft/xds'
import { SecretSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/secret'
import { SecretSource } from './secret-source.ts'

const inline = (value: string) => ({ specifier: { case: 'inlineString' as const, value } })

function secret(name: string, type: MessageInitShape<typeof SecretSchema>['type']) {
  return { name, version: '1', value: toBinary(SecretSchema, create(SecretSchema, { name, ...(type && { type }) })) }
}

function certificate(chain: string, key = 'key') {
  return secret('default', {
    case: 'tlsCertificate',
    value: { certificateChain: inline(chain), privateKey: inline(key) },
  })
}

function makeSource() {
  const { world, runtime } = simRuntime(1)
  const seen = { changes: 0 }
  const source = new SecretSource(runtime.log, () => {
    seen.changes++
  })
  return { world, source, seen }
}

const pem = rootCertificates[0] as string

test('a certificate and roots are held by name, with what an X.509 leaf says', async () => {
  const { source, seen } = makeSource()
  const roots = secret('ROOTCA', { case: 'validationContext', value: { trustedCa: inline(pem) } })
  assert.deepEqual(await source.onUpdate(typeUrl.secret, [certificate(pem), roots], []), [])
  const facts = source.certificate('default')?.facts
  const expected = new X509Certificate(pem)
  assert.equal(facts?.serial.replace(/^0+/, ''), expected.serialNumber.toLowerCase().replace(/^0+/, ''))
  assert.equal(facts?.notAfterMs, Date.parse(expected.validTo))
  assert.equal(facts?.spiffeId, undefined)
  assert.equal(source.rootsPem('ROOTCA'), pem)
  assert.equal(seen.changes, 1)
})

test('a secret that cannot be used is refused by name and the last good one stays', async () => {
  const { source } = makeSource()
  await source.onUpdate(typeUrl.secret, [certificate(pem)], [])
  const before = source.certificate('default')
  const refused = await source.onUpdate(typeUrl.secret, [certificate('not a certificate')], [])
  assert.deepEqual(refused, [{ name: 'default', reason: 'no PEM certificate' }])
  const empty = await source.onUpdate(typeUrl.secret, [secret('default', undefined)], [])
  assert.deepEqual(empty, [{ name: 'default', reason: 'holds neither a certificate nor roots' }])
  assert.equal(source.certificate('default'), before)
})

test('revoked certificates come with roots; what else a validation context asks for is refused, not passed over', async () => {
  const { source } = makeSource()
  type Validation = Extract<MessageInitShape<typeof SecretSchema>['type'], { case: 'validationContext' }>['value']
  const take = (value: Validation) =>
    source.onUpdate(typeUrl.secret, [secret('ROOTCA', { case: 'validationContext', value })], [])
  const crl = inline('-----BEGIN X509 CRL-----')
  assert.deepEqual(await take({ trustedCa: inline(pem), crl }), [])
  assert.equal(source.crlPem('ROOTCA'), crl.specifier.value)
  for (const [more, reason] of [
    [{ crl: inline('no list') }, 'its crl is not PEM and inline'],
    [
      { allowExpiredCertificate: true },
      'sets allowExpiredCertificate, which this proxy takes from the TLS context only',
    ],
    [{ verifyCertificateHash: ['a'] }, 'sets verifyCertificateHash, which this proxy takes from the TLS context only'],
    [{ trustChainVerification: 1 }, 'sets trustChainVerification, which this proxy takes from the TLS context only'],
  ] satisfies [Validation, string][]) {
    assert.deepEqual(await take({ trustedCa: inline(pem), ...more }), [{ name: 'ROOTCA', reason }])
  }
  assert.equal(source.crlPem('ROOTCA'), crl.specifier.value)
})

test('the same certificate again is the same object, so that nothing is taken for a rotation', async () => {
  const { source } = makeSource()
  await source.onUpdate(typeUrl.secret, [certificate(pem)], [])
  const before = source.certificate('default')
  await source.onUpdate(typeUrl.secret, [certificate(pem)], [])
  assert.equal(source.certificate('default'), before)
  await source.onUpdate(typeUrl.secret, [certificate(pem, 'another key')], [])
  assert.notEqual(source.certificate('default'), before)
})

test('the log holds no key', async () => {
  const { world, source } = makeSource()
  await source.onUpdate(typeUrl.secret, [certificate(pem, 'very secret key')], [])
  assert.doesNotMatch(world.log.text(), /very secret/)
  assert.match(world.log.text(), /certificate received/)
})
