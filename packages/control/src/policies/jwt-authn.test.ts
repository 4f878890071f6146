import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import type { JwtRule } from '@weft/resources'
import {
  JwtAuthenticationSchema,
  type JwtRequirement,
} from '@weft/xds/es/envoy/extensions/filters/http/jwt_authn/v3/config'
import { jwtAuthn, keyServers } from './jwt-authn.ts'

function authentication(...jwtRules: JwtRule[]): Parameters<typeof jwtAuthn>[0][0] {
  const id = { cluster: '', group: 'security.istio.io', kind: 'RequestAuthentication', namespace: 'shop', name: 'a' }
  return { key: 'a', hash: 'a', id, labels: {}, annotations: {}, spec: { jwtRules } }
}

function rule(issuer: string, more: Partial<JwtRule> = {}): JwtRule {
  return { issuer, jwks: '{"keys":[]}', ...more }
}

/** A requirement as text: `0` a provider, `-` missing. */
function shown({ requiresType }: JwtRequirement): string {
  if (requiresType.case === 'providerName') return requiresType.value.replace('origins-', '')
  if (requiresType.case === 'allowMissing') return '-'
  if (requiresType.case === 'requiresAny') return `(${requiresType.value.requirements.map(shown).join('|')})`
  if (requiresType.case === 'requiresAll') return `(${requiresType.value.requirements.map(shown).join('&')})`
  throw new Error(`unexpected ${requiresType.case}`)
}

function required(...rules: JwtRule[]): string {
  const [filter] = jwtAuthn([authentication(...rules)])
  assert.ok(filter?.configType?.case === 'typedConfig')
  const config = fromBinary(JwtAuthenticationSchema, filter.configType.value.value as Uint8Array)
  const requirement = config.rules[0]?.requirementType
  assert.ok(requirement?.case === 'requires')
  return shown(requirement.value)
}

test('a token may be missing, unless it is required', () => {
  assert.equal(required(rule('a')), '(0|-)')
  assert.equal(required(rule('a', { presence: 'REQUIRED' })), '0')
})

test('a token of one issuer is not held against the others', () => {
  assert.equal(required(rule('a'), rule('b')), '(((0|-)&(1|-))|0|1)')
})

test('what is required is required beside every other token', () => {
  assert.equal(required(rule('a', { presence: 'REQUIRED' }), rule('b')), '((0&(1|-))|0)')
})

test('without rules there is no filter', () => {
  assert.deepEqual(jwtAuthn([authentication()]), [])
})

test('each place of keys counts once, with the port of its scheme', () => {
  const rules = [
    'https://a.example/k',
    'https://a.example/other',
    'http://b.example/k',
    'http://c.example:8080/k',
    'https://[::1]/k',
  ]
  const servers = keyServers([authentication(...rules.map((jwksUri) => ({ issuer: 'x', jwksUri })))])
  assert.deepEqual(
    servers.map(({ host, port, tls }) => `${host} ${port} ${tls}`),
    ['a.example 443 true', 'b.example 80 false', 'c.example 8080 false', '::1 443 true'],
  )
})
