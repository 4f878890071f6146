import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CorsPolicy } from '../model.ts'
import { plainHead } from '../request-head.ts'
import { decideCors, mergeCors } from './cors.ts'

const all = { numerator: 1, denominator: 1 }
const nobody = { numerator: 0, denominator: 1 }
const shop: CorsPolicy = {
  origins: [{ is: 'exact', value: 'https://shop.example', ignoreCase: false }],
  methods: 'GET',
  headers: undefined,
  expose: 'x-seen',
  maxAge: undefined,
  credentials: undefined,
  privateNetwork: undefined,
  forwardsOthers: undefined,
  enabled: all,
  shadow: nobody,
}
const ask = (method: string, headers: Record<string, string>) =>
  plainHead({ method, path: '/', authority: 'a', headers })
const preflight = (origin: string) => ask('OPTIONS', { origin, 'access-control-request-method': 'PUT' })

test('a preflight is answered here for the origins of the policy, and goes on for others', () => {
  const decision = decideCors(shop, preflight('https://shop.example'), 0)
  assert.equal(decision.kind, 'preflight')
  assert.equal(decideCors(shop, preflight('https://other.example'), 0).kind, 'none')
})

test('where others are not forwarded they get an answer without an allowed origin', () => {
  const decision = decideCors({ ...shop, forwardsOthers: false }, preflight('https://other.example'), 0)
  assert.deepEqual(decision.kind === 'preflight' && decision.headers, ['access-control-allow-methods', 'GET'])
})

test('a preflight of a policy for all methods or headers is told those that it asks for', () => {
  const any = { ...shop, methods: '*', headers: '*', expose: undefined }
  const said = (policy: CorsPolicy, headers: Record<string, string>) => {
    const asking = { origin: 'https://shop.example', 'access-control-request-method': 'PUT', ...headers }
    const decision = decideCors(policy, ask('OPTIONS', asking), 0)
    return decision.kind === 'preflight' ? decision.headers.slice(2) : decision.kind
  }
  const allowed = (methods: string, names: string) => [
    ...['access-control-allow-methods', methods],
    ...['access-control-allow-headers', names],
  ]
  assert.deepEqual(said(any, { 'access-control-request-headers': 'x-user, X-b' }), allowed('PUT', 'x-user, X-b'))
  assert.deepEqual(said(any, {}), allowed('PUT', ''))
  const more = { ...any, methods: 'GET,*', headers: 'x-a,*' }
  assert.deepEqual(said(more, { 'access-control-request-headers': 'x-user' }), allowed('GET,*', 'x-a,*'))
})

test('an actual request is told which origin may read the answer, and which headers', () => {
  const decision = decideCors(shop, ask('GET', { origin: 'https://shop.example' }), 0)
  assert.deepEqual(decision.kind === 'actual' && decision.headers, [
    ...['access-control-allow-origin', 'https://shop.example'],
    ...['access-control-expose-headers', 'x-seen'],
  ])
})

test('a share of the requests is judged, and another only watched', () => {
  const half = { ...shop, enabled: { numerator: 50, denominator: 100 }, shadow: { numerator: 75, denominator: 100 } }
  const kinds = [0.49, 0.5, 0.75].map((draw) => decideCors(half, preflight('https://shop.example'), draw).kind)
  assert.deepEqual(kinds, ['preflight', 'shadow', 'none'])
})

test('what a policy leaves open a wider one says, but for its own shares', () => {
  const wider = { ...shop, methods: 'PUT', maxAge: '5', credentials: true, enabled: nobody }
  const merged = mergeCors({ ...shop, origins: [], credentials: false }, wider)
  const { origins, methods, maxAge, credentials, enabled } = merged
  assert.deepEqual([origins, methods, maxAge, credentials, enabled], [shop.origins, 'GET', '5', false, all])
})
