import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TurnEnd } from './turn-end.ts'

/** A turn's end that comes when it is told to. */
function turnEndUnderTest(): { readonly turnEnd: TurnEnd; run(): void; readonly waiting: (() => void)[] } {
  const waiting: (() => void)[] = []
  const timers = { set: () => ({ cancel() {} }), soon: (task: () => void) => void waiting.push(task) }
  return { turnEnd: new TurnEnd({ timers }), waiting, run: () => waiting.shift()?.() }
}

test('tasks run once, in the order they were added; those added meanwhile run in the next turn', () => {
  const { turnEnd, run, waiting } = turnEndUnderTest()
  const notes: string[] = []
  const late = { atTurnEnd: () => void notes.push('late') }
  turnEnd.add({
    atTurnEnd: () => {
      notes.push('first')
      turnEnd.add(late)
    },
  })
  turnEnd.add({ atTurnEnd: () => void notes.push('second') })
  assert.equal(waiting.length, 1)
  run()
  assert.deepEqual(notes, ['first', 'second'])
  run()
  assert.deepEqual(notes, ['first', 'second', 'late'])
  assert.equal(waiting.length, 0)
})

test('after a bug in a task the others run in the next turn, and none of them twice', () => {
  const { turnEnd, run, waiting } = turnEndUnderTest()
  const notes: string[] = []
  const noting = (name: string) => ({ atTurnEnd: () => void notes.push(name) })
  turnEnd.add(noting('a'))
  turnEnd.add({
    atTurnEnd: () => {
      turnEnd.add(noting('added'))
      throw new Error('a bug')
    },
  })
  turnEnd.add(noting('b'))
  assert.throws(run, /a bug/)
  run()
  turnEnd.add(noting('c'))
  run()
  assert.deepEqual(notes, ['a', 'added', 'b', 'c'])
  assert.equal(waiting.length, 0)
})
