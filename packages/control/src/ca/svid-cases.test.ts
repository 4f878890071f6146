import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import 'reflect-metadata'
import { KeyUsageFlags } from '@peculiar/x509'
import type { TrustBundles } from '@weft/identity'
import { verifySvid } from '@weft/identity/node'
import { loadJsonBundle, loadPemBundle } from '@weft/testkit/load-bundle'
import { loadSvid } from '@weft/testkit/load-svid'
import { parse } from 'yaml'
import { type TestCertificate, testLeaf, testRoot } from './test-certificates.ts'

const root = join(import.meta.dirname, '../../../..')
const dir = join(resolve(root, process.env['WEFT_TEST_DATA'] ?? '../shared/data'), 'spiffe')
const skip = existsSync(dir) ? false : `no ${dir}`

interface Row {
  readonly name: string
  readonly certs: string
  readonly key: string
  readonly chain: string
  readonly bundle: string
  readonly file: string
  readonly expect: Record<string, unknown> & { ok: boolean; id?: string; certificates?: number }
}

const cases = skip === false ? readCases() : { load: [], verify: [], bundles: [] }

function readCases(): { load: Row[]; verify: Row[]; bundles: Row[] } {
  return parse(readFileSync(join(dir, 'svid-cases.yaml'), 'utf8')) as { load: Row[]; verify: Row[]; bundles: Row[] }
}

const text = (file: string): string => readFileSync(join(dir, file), 'latin1')

test('every published SVID file is judged as marked', { skip }, () => {
  assert.equal(cases.load.length, 18)
  for (const row of cases.load) {
    const got = loadSvid(text(row.certs), text(row.key))
    assert.equal(got.ok, row.expect.ok, `${row.name}: ${got.ok ? 'accepted' : got.error}`)
    if (!got.ok) continue
    assert.equal(got.value.id.uri, row.expect.id)
    assert.equal(got.value.chain.length, row.expect.certificates)
  }
})

test('the published SVID files have all expired, so a verifier refuses them today', { skip }, () => {
  const good = loadSvid(text('x509svid/good-leaf-only.pem'), text('x509svid/key-pkcs8-rsa.pem'))
  assert.ok(good.ok)
  assert.ok(good.value.facts.notAfterMs < Date.now())
})

test('every published bundle file is judged as marked', { skip }, () => {
  assert.equal(cases.bundles.length, 14)
  for (const row of cases.bundles) {
    const got = row.file.endsWith('.pem') ? loadPemBundle(text(row.file)) : loadJsonBundle(text(row.file))
    assert.equal(got.ok, row.expect.ok, `${row.file}: ${got.ok ? 'accepted' : got.error}`)
    if (!got.ok) continue
    const { x509Roots, ...rest } = got.value
    const seen: Record<string, unknown> = { ...rest, x509Authorities: x509Roots.length }
    for (const [name, value] of Object.entries(row.expect)) if (name !== 'ok') assert.equal(seen[name], value, row.file)
  }
})

const ID = 'spiffe://domain1.test/workload'

// The chains of the table, by the words the table uses for them.
async function leafOf(words: string, ca1: TestCertificate): Promise<TestCertificate | undefined> {
  const usage = KeyUsageFlags.digitalSignature
  if (words === '(none)') return undefined
  if (words.startsWith('leaf with two URI SANs')) return testLeaf(ca1, { uris: [ID, `${ID}2`] })
  if (words.startsWith('leaf without URI SAN')) return testLeaf(ca1, {})
  if (words.startsWith('leaf with the CA flag')) return testLeaf(ca1, { uris: [ID], ca: true })
  if (words.startsWith('leaf with keyCertSign')) {
    return testLeaf(ca1, { uris: [ID], usages: usage | KeyUsageFlags.keyCertSign })
  }
  if (words.startsWith('leaf with cRLSign')) {
    return testLeaf(ca1, { uris: [ID], usages: usage | KeyUsageFlags.cRLSign })
  }
  const uri = /^leaf ([a-z]+:\/\/\S+)/.exec(words)?.[1]
  assert.ok(uri, `the table describes a chain this test does not know: ${words}`)
  return testLeaf(ca1, { uris: [uri] })
}

function bundleOf(words: string, ca1: TestCertificate, ca2: TestCertificate): TrustBundles {
  // "no bundle given" cannot be expressed: the parameter is required. The nearest thing is an empty map.
  if (words.startsWith('(')) return new Map()
  const [domain = '', roots = ''] = words.split(' -> ')
  const chosen = roots === 'CA 1' ? [ca1.der] : roots === 'CA 2' ? [ca2.der] : []
  return new Map([[domain, chosen]])
}

test('every described chain is verified as marked', { skip }, async () => {
  assert.equal(cases.verify.length, 15)
  const [ca1, ca2] = await Promise.all([testRoot('CA 1'), testRoot('CA 2')])
  for (const row of cases.verify) {
    const leaf = await leafOf(row.chain, ca1)
    const nowMs = row.name.includes('after notAfter') ? Date.now() + 3_601_000 : Date.now()
    const got = verifySvid(leaf === undefined ? [] : [leaf.der], bundleOf(row.bundle, ca1, ca2), nowMs)
    assert.equal(got.ok, row.expect.ok, `${row.name}: ${got.ok ? 'accepted' : got.error}`)
    if (got.ok) assert.equal(got.value.id.uri, row.expect.id)
  }
})

test('a leaf that names another subject as its issuer is not believed for a matching name alone', async () => {
  const [ca1, twin] = await Promise.all([testRoot('CA 1'), testRoot('CA 1')])
  const leaf = await testLeaf(twin, { uris: [ID] })
  assert.equal(verifySvid([leaf.der], new Map([['domain1.test', [ca1.der]]]), Date.now()).ok, false)
  assert.equal(verifySvid([leaf.der], new Map([['domain1.test', [ca1.der, twin.der]]]), Date.now()).ok, true)
})
