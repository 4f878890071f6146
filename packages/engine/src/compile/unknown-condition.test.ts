import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { evaluate } from '../match/interpret.ts'
import type { Predicate } from '../predicate.ts'
import { subject } from '../subject-under-test.ts'
import { bounds, unknownCondition } from './unknown-condition.ts'

const leaf = fc.constantFrom<Predicate>(unknownCondition, { op: 'always' }, { op: 'never', why: 'no' })
const predicate = fc.letrec<{ readonly any: Predicate }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 5 },
    leaf,
    tie('any').map((not): Predicate => ({ op: 'not', not })),
    fc.array(tie('any'), { maxLength: 3 }).map((all): Predicate => ({ op: 'and', all })),
    fc.array(tie('any'), { maxLength: 3 }).map((any): Predicate => ({ op: 'or', any })),
  ),
})).any

/** The predicate with each unknown condition as the next of `answers` has it. */
function known(of: Predicate, answers: Iterator<boolean>): Predicate {
  if (of === unknownCondition) return answers.next().value === true ? { op: 'always' } : { op: 'never', why: 'no' }
  if (of.op === 'not') return { op: 'not', not: known(of.not, answers) }
  if (of.op === 'and') return { op: 'and', all: of.all.map((one) => known(one, answers)) }
  if (of.op === 'or') return { op: 'or', any: of.any.map((one) => known(one, answers)) }
  return of
}

test('what is certain holds whatever unknown conditions turn out to be, and nothing holds that is not possible', () => {
  fc.assert(
    fc.property(predicate, fc.infiniteStream(fc.boolean()), (of, answers) => {
      const { certain, possible, isKnown } = bounds(of)
      const real = evaluate(known(of, answers), subject())
      assert.ok(!evaluate(certain, subject()) || real)
      assert.ok(!real || evaluate(possible, subject()))
      if (isKnown) assert.deepEqual([evaluate(certain, subject()), evaluate(possible, subject())], [real, real])
    }),
  )
})
