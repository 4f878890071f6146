// Authorization: actions, shadow rules, names of nobody.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeRule } from '../match/closure.ts'
import type { RbacPolicies } from '../model.ts'
import type { Predicate } from '../predicate.ts'
import { subject } from '../subject-under-test.ts'
import { authorize } from './authorize.ts'

const isWeb: Predicate = {
  op: 'test',
  attribute: { name: 'source.principal' },
  test: { is: 'exact', value: 'spiffe://td/ns/a/sa/web', ignoreCase: false },
} // prettier-ignore
const isPost: Predicate = {
  op: 'test',
  attribute: { name: 'request.method' },
  test: { is: 'exact', value: 'POST', ignoreCase: false },
} // prettier-ignore
const always: Predicate = { op: 'always' }
const never: Predicate = { op: 'never', why: 'test' }

function rules(action: RbacPolicies['action'], permission: Predicate, principal: Predicate): RbacPolicies {
  const policy = { name: 'p', origin: undefined, permission: makeRule(permission), principal: makeRule(principal) }
  return { action, policies: [policy] }
}

test('authorization: ALLOW, DENY, LOG, no rules, no policies', () => {
  const s = subject()
  const cases: readonly (readonly [RbacPolicies | undefined, boolean, string | undefined])[] = [
    [undefined, true, undefined],
    [{ action: 'allow', policies: [] }, false, undefined],
    [{ action: 'deny', policies: [] }, true, undefined],
    [rules('allow', always, isWeb), true, 'p'],
    [rules('allow', isPost, isWeb), false, undefined],
    [rules('allow', always, never), false, undefined],
    [rules('deny', always, isWeb), false, 'p'],
    [rules('deny', isPost, isWeb), true, undefined],
    [rules('log', always, isWeb), true, 'p'],
  ]
  for (const [policies, allowed, policy] of cases) {
    const verdict = authorize(policies, undefined, s)
    assert.deepEqual([verdict.allowed, verdict.policy], [allowed, policy])
  }
})

test('authorization: shadow rules are judged and change nothing', () => {
  const verdict = authorize(undefined, rules('deny', always, always), subject())
  assert.equal(verdict.allowed, true)
  assert.deepEqual(verdict.shadow, { allowed: false, policy: 'p' })
})

test('authorization: nobody has no name', () => {
  const s = subject()
  const plaintext = { ...s, connection: { ...s.connection, tls: false, peerNames: [] } }
  assert.equal(authorize(rules('allow', always, isWeb), undefined, plaintext).allowed, false)
})
