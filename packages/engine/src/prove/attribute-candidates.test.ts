import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Predicate, ValueTest } from '../predicate.ts'
import { subject } from '../subject-under-test.ts'
import { satisfy } from './satisfy.ts'

const caller = (test: ValueTest): Predicate => ({ op: 'test', attribute: { name: 'source.principal' }, test })
const ignoreCase = false

test('an identity is found whose parts are asked for by several conditions', () => {
  const goal = [
    caller({ is: 'contains', value: '/ns/def', ignoreCase }),
    caller({ is: 'suffix', value: '/sa/client', ignoreCase }),
  ]
  const found = satisfy(goal, subject())
  assert.deepEqual(found, [{ attribute: 'source.principal', value: 'spiffe://td/ns/def/sa/client' }])
  const ofNamespace = caller({ is: 'contains', value: 'ther/sa/', ignoreCase })
  assert.deepEqual(satisfy([ofNamespace, goal[1] as Predicate], subject()), [
    { attribute: 'source.principal', value: 'spiffe://td/ns/ther/sa/client' },
  ])
})
