// The same resources to our proxy and to real Envoy, the same bytes sent to both, the same upstream behind them: what
// the client and the upstream see, and what the access log says, must be equal, but for the differences that are listed.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { skipWithoutEnvoy as skip } from '../envoy-on-path.ts'
import { allFamilies } from './cases/all-families.ts'
import { type Comparison, compareCases } from './compare-cases.ts'
import { deliberateDifferences } from './deliberate-differences.ts'
import { nothingHappened } from './observation.ts'
import type { ProtocolCase } from './protocol-case.ts'
import { speaksHttp2, speaksHttp2Upstream } from './what-weft-speaks.ts'

const h2Down = await speaksHttp2()
const h2Up = await speaksHttp2Upstream()
const plays = (one: ProtocolCase): boolean =>
  (h2Down || one.downstreamWire !== 'h2') && (h2Up || one.upstreamWire !== 'h2')

const fullName = (family: string, one: ProtocolCase): string => `${family}: ${one.name}`
const listed = new Map(deliberateDifferences.flatMap(({ cases, why }) => cases.map((name) => [name, why] as const)))
const all = allFamilies.flatMap((family) => family.cases.map((one) => ({ one, name: fullName(family.name, one) })))
const results = new Map<ProtocolCase, Comparison>()

before(async () => {
  if (skip !== false) return
  const compared = await compareCases(
    all.map(({ one }) => one),
    plays,
  )
  for (const result of compared) results.set(result.case, result)
})

test('there are at least 300 cases, each with a name of its own', () => {
  assert.ok(all.length >= 300, `${all.length}`)
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length)
})

test('at most ten rules differ on purpose, and every listed case is one', () => {
  assert.ok(deliberateDifferences.length <= 10)
  const names = new Set(all.map(({ name }) => name))
  for (const name of listed.keys()) assert.ok(names.has(name), `no case is called "${name}"`)
  const twice = deliberateDifferences.flatMap(({ cases }) => cases)
  assert.equal(new Set(twice).size, twice.length, 'a case is listed twice')
})

for (const family of allFamilies) {
  describe(family.name, { skip }, () => {
    for (const one of family.cases) testCase(one, fullName(family.name, one))
  })
}

function testCase(one: ProtocolCase, name: string): void {
  test(one.name, (context) => {
    const result = results.get(one)
    assert.ok(result !== undefined)
    assert.equal(nothingHappened(result.envoy), one.silent === true, 'the case shows nothing of Envoy')
    if (result.weft === undefined) return context.skip('needs HTTP/2, which this proxy does not speak yet')
    const found = result.differences.map(({ what, envoy, weft }) => `${what}\n  Envoy: ${envoy}\n  Weft:  ${weft}`)
    const why = listed.get(name)
    if (why === undefined) assert.deepEqual(found, [])
    else assert.notEqual(found.length, 0, `no longer differs, take it off the list: ${why}`)
    return undefined
  })
}
