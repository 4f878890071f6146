import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineTexts } from './line-texts.ts'

test('lines have their own names and values, in whatever order they come', () => {
  const texts = new LineTexts()
  for (const names of ['abcd', 'abcd', 'dcba', 'aabb', 'acbd', 'abcd']) {
    for (const name of names) {
      const line = texts.of(`x-${name}`)
      assert.equal(line.prefix.toString(), `x-${name}: `)
      const known = line.lineOf(name)
      assert.ok(known === undefined || known.toString() === `x-${name}: ${name}\r\n`)
    }
  }
})

test('a line that was said twice with a value is known with that one, and with no other', () => {
  const texts = new LineTexts()
  const said = ['1', '1', '1', '2', '1', '2', '2'].map((value) => texts.of('a').lineOf(value)?.toString())
  assert.deepEqual(said, [undefined, 'a: 1\r\n', 'a: 1\r\n', undefined, 'a: 1\r\n', 'a: 2\r\n', 'a: 2\r\n'])
})

test('names beyond what any configuration adds are forgotten, and said right nevertheless', () => {
  const texts = new LineTexts()
  for (let round = 0; round < 2; round++) {
    for (let at = 0; at < 1_200; at++) assert.equal(texts.of(`n${at}`).prefix.toString(), `n${at}: `)
  }
})
