import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Metadata } from '@weft/xds/lean'
import { compileMetrics } from './metrics.ts'
import { attempt } from './refusal.ts'

function refusalOf(metrics: unknown): string {
  const metadata = { filterMetadata: new Map([['weft', { metrics }]]) } as unknown as Metadata
  const result = attempt(() => compileMetrics(metadata))
  return result.ok ? 'accepted' : `${result.error.field} ${result.error.message}`
}
const value = (expression: unknown): unknown => ({ metrics: { requests_total: { values: { a: expression } } } })
const place = 'metadata.filter_metadata["weft"].metrics'

test('what is not known is refused, by its place', () => {
  assert.equal(refusalOf(value({ constant: 'x' })), 'accepted')
  assert.equal(refusalOf([]), `${place} is no object`)
  assert.equal(refusalOf({ reportingMs: -1 }), `${place}.reportingMs is not a time`)
  const at = `${place}.metrics.requests_total.values.a`
  assert.equal(refusalOf(value({ attribute: 'request.hots' })), `${at} the attribute request.hots is not known`)
  assert.equal(refusalOf(value({ attribute: 'request.headers' })), `${at} request.headers has keys`)
  assert.equal(refusalOf(value({ attribute: 'request.host', key: 'x' })), `${at} request.host has no keys`)
  assert.equal(refusalOf(value({ call: 'string', of: [] })), `${at} string is applied to 0 values`)
  assert.equal(refusalOf(value({ call: 'exec', of: [] })), `${at} is not an expression that is known`)
  let deep: unknown = { constant: 1 }
  for (let index = 0; index < 200; index++) deep = { call: 'string', of: [deep] }
  assert.equal(refusalOf(value(deep)), `${at} is too deep`)
})

test('the name of a label is one that Prometheus takes', () => {
  const metadata = {
    filterMetadata: new Map([['weft', { metrics: { metrics: { m: { values: { '1-x.y': { constant: 'z' } } } } } }]]),
  } as unknown as Metadata
  assert.deepEqual([...(compileMetrics(metadata)?.byName.get('m')?.values.keys() ?? [])], ['_1_x_y'])
})
