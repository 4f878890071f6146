import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthorizationPolicySpec } from '@weft/resources'
import { RBAC_Action } from '@weft/xds/es/envoy/config/rbac/v3/rbac'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { authorizationOf } from './authorization.ts'
import { rbacPolicy } from './rbac-rule.ts'

function policy(name: string, spec: AuthorizationPolicySpec): SnapshotObject<AuthorizationPolicySpec> {
  const id = { cluster: '', group: 'security.istio.io', kind: 'AuthorizationPolicy', namespace: 'shop', name }
  return { key: name, hash: name, id, labels: {}, annotations: {}, spec }
}

const context = { protocol: 'http', action: 'ALLOW', trustDomain: 'cluster.local', namespace: 'shop' } as const

test('no policy: no filter', () => {
  assert.deepEqual(
    authorizationOf({ authentications: [], policies: [], unenforceable: [] }, 'http', 'cluster.local').rules,
    [],
  )
})

test('an ALLOW policy without rules allows nothing: a filter without policies', () => {
  const policies = [policy('nobody', { action: 'ALLOW', rules: [] })]
  const { rules } = authorizationOf({ authentications: [], policies, unenforceable: [] }, 'http', 'cluster.local')
  assert.deepEqual(rules, [{ action: RBAC_Action.ALLOW, policies: {} }])
})

test('DENY stands before ALLOW, whatever their names', () => {
  const policies = [
    policy('a', { action: 'ALLOW', rules: [{}] }),
    policy('b', { action: 'DENY', rules: [{ to: [{ operation: { paths: ['/admin'] } }] }] }),
  ]
  const { rules } = authorizationOf({ authentications: [], policies, unenforceable: [] }, 'http', 'cluster.local')
  assert.deepEqual(
    rules.map((rule) => rule.action),
    [RBAC_Action.DENY, RBAC_Action.ALLOW],
  )
})

test('a rule that cannot be enforced denies everything and says why', () => {
  const policies = [
    policy('odd', { action: 'ALLOW', rules: [{ when: [{ key: 'request.auth.claims[x]', values: ['y'] }] }] }),
  ]
  const { rules, problems } = authorizationOf(
    { authentications: [], policies, unenforceable: [] },
    'http',
    'cluster.local',
  )
  assert.equal(rules[0]?.action, RBAC_Action.DENY)
  assert.deepEqual(rules[0]?.policies?.['ns[shop]-policy[odd]-rule[0]']?.permissions, [
    { rule: { case: 'any', value: true } },
  ])
  assert.match(problems[0]?.message ?? '', /request\.auth\.claims\[x\]: "y" is not supported/)
})

test('a policy the store could not read denies everything on what it selects', () => {
  const { id } = policy('broken', { action: 'ALLOW', rules: [] })
  const unenforceable = [{ key: 'x', hash: 'x', value: { id, selector: undefined, reason: 'unknown field' } }]
  for (const protocol of ['http', 'tcp'] as const) {
    const { rules, origins } = authorizationOf(
      { authentications: [], policies: [], unenforceable },
      protocol,
      'cluster.local',
    )
    assert.equal(rules[0]?.action, RBAC_Action.DENY)
    assert.deepEqual(origins, {
      'ns[shop]-policy[broken]-unenforceable': 'security.istio.io/AuthorizationPolicy/shop/broken',
    })
  }
})

test('a path template is not taken for a literal path', () => {
  const made = rbacPolicy({ to: [{ operation: { paths: ['/books/{*}'] } }] }, context)
  assert.ok(!made.ok && made.error.kind === 'unenforceable')
})

test('on TCP an ALLOW rule with an HTTP attribute never matches, a DENY rule goes without it', () => {
  const rule = { from: [{ source: { principals: ['*'] } }], to: [{ operation: { methods: ['GET'] } }] }
  const allow = rbacPolicy(rule, { ...context, protocol: 'tcp' })
  assert.deepEqual(allow, { ok: false, error: { kind: 'never' } })
  const deny = rbacPolicy(rule, { ...context, protocol: 'tcp', action: 'DENY' })
  assert.ok(deny.ok)
  assert.deepEqual(deny.value.permissions, [{ rule: { case: 'any', value: true } }])
})

test('inside a tunnel the port is the one its authority ends with, and what no tunnel tells is asked for by name only', () => {
  const rule = {
    from: [{ source: { principals: ['*'] } }],
    to: [{ operation: { ports: ['7000'] } }],
    when: [{ key: 'destination.port', notValues: ['7001'] }],
  }
  const made = rbacPolicy(rule, { ...context, protocol: 'connect' })
  const endsWith = (value: string) => ({
    rule: {
      case: 'header',
      value: {
        name: ':authority',
        headerMatchSpecifier: {
          case: 'stringMatch',
          value: { matchPattern: { case: 'suffix', value }, ignoreCase: false },
        },
      },
    },
  })
  assert.ok(made.ok)
  assert.deepEqual(made.value.permissions, [
    {
      rule: {
        case: 'andRules',
        value: { rules: [endsWith(':7000'), { rule: { case: 'notRule', value: endsWith(':7001') } }] },
      },
    },
  ])
  const methods = { to: [{ operation: { methods: ['GET'] } }] }
  assert.deepEqual(rbacPolicy(methods, { ...context, protocol: 'connect' }), { ok: false, error: { kind: 'never' } })
})

test('whom nobody can ask denies, even if it may fail open', () => {
  const provider = { name: 'decider', envoyExtAuthzGrpc: { service: 'gone.shop', port: 9000, failOpen: true } }
  const policies = [policy('ask', { action: 'CUSTOM', provider: { name: 'decider' }, rules: [{}] })]
  const selected = { authentications: [], policies, unenforceable: [] }
  const made = (at?: { host: string; cluster: string }) =>
    authorizationOf(selected, 'http', 'cluster.local', {
      flavor: 'envoy',
      providers: [at === undefined ? { provider } : { provider, at }],
    })
  const { rules, before, problems } = made()
  assert.deepEqual([rules[0]?.action, before], [RBAC_Action.DENY, []])
  assert.match(problems[0]?.message ?? '', /decider is port 9000 of gone\.shop, which this workload cannot see/)
  const there = made({ host: 'gone.shop.svc.cluster.local', cluster: 'outbound|9000||gone.shop.svc.cluster.local' })
  assert.deepEqual([there.rules, there.problems, there.before.length], [[], [], 2])
})
