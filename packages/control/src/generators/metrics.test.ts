import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MeshConfig, MetricRule } from '@weft/resources'
import { metricsPlan, type MetricsPlan } from './metrics.ts'

const all = [
  'request_bytes',
  'request_duration_milliseconds',
  'request_messages_total',
  'requests_total',
  'response_bytes',
  'response_messages_total',
  'tcp_connections_closed_total',
  'tcp_connections_opened_total',
  'tcp_received_bytes_total',
  'tcp_sent_bytes_total',
]
const none = (plan: MetricsPlan | undefined): boolean =>
  plan !== undefined && all.every((name) => plan.metrics[name]?.disabled === true)

const off: MetricRule = { overrides: [{ disabled: true }] }

test('without rules, and with rules for the other side, nothing changes', () => {
  assert.equal(metricsPlan([], 'CLIENT', {}), undefined)
  assert.equal(metricsPlan([{ overrides: [{ match: { mode: 'SERVER' }, disabled: true }] }], 'CLIENT', {}), undefined)
  assert.equal(metricsPlan([{ providers: [{ name: 'prometheus' }] }], 'CLIENT', {}), undefined)
})

test('what is narrower is said later, and holds', () => {
  assert.ok(none(metricsPlan([off], 'SERVER', {})))
  const back: MetricRule = { overrides: [{ match: { metric: 'REQUEST_COUNT' }, disabled: false }] }
  const plan = metricsPlan([off, back], 'SERVER', {})
  assert.deepEqual(
    Object.keys(plan?.metrics ?? {}),
    all.filter((name) => name !== 'requests_total'),
  )
  assert.equal(
    metricsPlan([off, { overrides: [{ match: { metric: 'ALL_METRICS' }, disabled: false }] }], 'SERVER', {}),
    undefined,
  )
})

test('a later word about a label takes the place of an earlier one', () => {
  const tags = (override: object): MetricRule => ({
    overrides: [{ match: { metric: 'REQUEST_COUNT' }, tagOverrides: { host: override } }],
  })
  const added = tags({ value: 'request.host' })
  const removed = tags({ operation: 'REMOVE' })
  assert.deepEqual(metricsPlan([added, removed], 'CLIENT', {})?.metrics['requests_total'], { removed: ['host'] })
  assert.deepEqual(metricsPlan([removed, added], 'CLIENT', {})?.metrics['requests_total'], {
    values: { host: { attribute: 'request.host' } },
  })
})

test('metrics are there only where Prometheus is among the providers in force', () => {
  const named = (name: string): MetricRule => ({ providers: [{ name }] })
  const own: MeshConfig = {
    extensionProviders: [
      { name: 'mine', prometheus: {} },
      { name: 'prometheus', zipkin: { service: 'z', port: 1 } },
    ],
  }
  assert.ok(none(metricsPlan([named('stackdriver')], 'CLIENT', {})))
  assert.ok(none(metricsPlan([named('mine')], 'CLIENT', {})))
  assert.equal(metricsPlan([named('mine')], 'CLIENT', own), undefined)
  assert.ok(none(metricsPlan([], 'CLIENT', own)), 'the mesh calls something else prometheus')
  assert.equal(metricsPlan([named('stackdriver'), named('prometheus')], 'CLIENT', {}), undefined)
  assert.ok(none(metricsPlan([], 'CLIENT', { defaultProviders: { metrics: [] } })))
})

test('a rule for a provider that is not in force says nothing', () => {
  const forOther: MetricRule = { providers: [{ name: 'stackdriver' }], ...off, reportingInterval: '1s' }
  assert.equal(metricsPlan([forOther, { providers: [{ name: 'prometheus' }] }], 'CLIENT', {}), undefined)
  assert.deepEqual(metricsPlan([{ reportingInterval: '3s' }], 'CLIENT', {}), { metrics: {}, reportingMs: 3_000 })
})
