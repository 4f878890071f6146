import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RepeatedOutput } from './repeated-output.ts'

function output() {
  const printed: string[] = []
  const repeated = new RepeatedOutput((line) => printed.push(line))
  const start = (...lines: readonly string[]): string[] => {
    printed.length = 0
    repeated.begin()
    for (const line of lines) repeated.line(line, line.startsWith('!') ? 'err' : 'out')
    return [...printed]
  }
  return { repeated, printed, start }
}

test('the same output is printed once, whatever times and numbers are in it, and in whatever order its two streams come', () => {
  const { repeated, start } = output()
  assert.deepEqual(start('12:00:01 begin', '! Error: no database', '!  at 17'), [
    '12:00:01 begin',
    '! Error: no database',
    '!  at 17',
  ])
  assert.equal(repeated.isSame, false)
  assert.deepEqual(start('12:00:02 begin', '! Error: no database', '!  at 17'), [])
  assert.equal(repeated.isSame, true)
  assert.deepEqual(start('! Error: no database', '12:00:03 begin', '!  at 17'), [])
  assert.deepEqual(start('12:00:04 begin'), [], 'a part of it is nothing new')
})

test('a start that says something else is printed whole, and the next ones are compared with that', () => {
  const { start } = output()
  start('begin', '! no database')
  assert.deepEqual(start('begin', '! no table', '! stack'), ['begin', '! no table', '! stack'])
  assert.deepEqual(start('begin', '! no table', '! stack'), [])
  assert.deepEqual(start('begin', '! no table', '! stack', '! more'), ['begin', '! no table', '! stack', '! more'])
})

test('what is held back is printed as soon as the program lives, and nothing is held at its next start', () => {
  const { repeated, printed, start } = output()
  start('begin')
  assert.deepEqual(start('begin'), [])
  repeated.settle()
  assert.deepEqual(printed, ['begin'])
  repeated.line('serving', 'out')
  assert.deepEqual(printed, ['begin', 'serving'])
  assert.deepEqual(start('begin'), ['begin'])
})

test('a program that says more than is remembered is printed whole each time', () => {
  const { start } = output()
  const lines = Array.from({ length: 1500 }, (_, at) => `line ${at}`)
  assert.equal(start(...lines).length, 1500)
  assert.equal(start(...lines).length, 1500)
})
