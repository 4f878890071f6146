import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { GatheredOutput } from './gathered-output.ts'

const gather = (output: GatheredOutput, text: string): void => output.add(Buffer.from(text, 'latin1'), text.length)
const textOf = (output: GatheredOutput): string => output.bytes.toString('latin1', output.start, output.end)

test('what is kept stays where it is, and what is gathered behind it moves to the front once that has left', () => {
  const output = new GatheredOutput(Buffer.alloc(16))
  gather(output, 'kept ')
  output.keep(() => {})
  gather(output, 'begun')
  assert.equal(Buffer.from(output.view(0, 5)).toString('latin1'), 'kept ')
  assert.equal(textOf(output), 'begun')
  output.left()
  assert.deepEqual([output.start, output.end, textOf(output)], [0, 5, 'begun'])
  output.drop()
  assert.equal(textOf(output), '')
})

test('what was kept leaves when its room is needed, and only then', () => {
  const output = new GatheredOutput(Buffer.alloc(16))
  let asked = 0
  gather(output, '12345678')
  output.keep(() => {
    asked++
    output.left()
  })
  assert.equal(output.makeRoom(8), true)
  assert.equal(asked, 0)
  gather(output, 'abcd')
  assert.equal(output.makeRoom(10), true)
  assert.equal(asked, 1)
  assert.equal(textOf(output), 'abcd')
  assert.equal(output.makeRoom(13), false)
  assert.equal(asked, 1)
})

test('memory that somebody has to keep is theirs: what was gathered goes on in the other', () => {
  const lent = Buffer.alloc(16)
  const output = new GatheredOutput(lent)
  gather(output, 'kept ')
  output.keep(() => {})
  gather(output, 'begun')
  const view = output.view(0, 5)
  output.replace(Buffer.alloc(16))
  gather(output, ' more')
  assert.equal(textOf(output), 'begun more')
  assert.equal(Buffer.from(output.view(0, 5)).toString('latin1'), 'kept ')
  assert.equal(view.buffer, lent.buffer)
  assert.equal(lent.toString('latin1', 10), '\0'.repeat(6))
})
