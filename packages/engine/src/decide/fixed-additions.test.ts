import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HeaderOption, HeaderRules } from '../model.ts'
import { editHeaders, fixedAdditions } from './header-edits.ts'

function option(name: string, value: HeaderOption['value'], more: Partial<HeaderOption> = {}): HeaderOption {
  return { name, writtenName: name, value, action: 'append-or-add', keepEmptyValue: false, ...more }
}

function rules(responseAdd: readonly HeaderOption[], responseRemove: readonly string[] = []): HeaderRules {
  return { requestAdd: [], requestRemove: [], responseAdd, responseRemove }
}

test('fixed additions are what applying the rules comes to', () => {
  const levels = [
    rules([option('a', ['1']), option('b', ['2'])]),
    rules([option('a', ['3']), option('empty', ['']), option('kept', [''], { keepEmptyValue: true })]),
  ]
  const seen: string[] = []
  const target = {
    has: () => false,
    add: (name: string, value: string) => void seen.push(name, value),
    set: () => assert.fail('nothing is replaced'),
    remove: () => assert.fail('nothing is removed'),
  }
  editHeaders('response', levels, target, () => undefined)
  assert.deepEqual(fixedAdditions('response', levels), seen)
  assert.deepEqual(seen, ['a', '1', 'b', '2', 'a', '3', 'kept', ''])
  assert.deepEqual(fixedAdditions('request', levels), [])
})

test('what depends on the message, or on what is there already, is no fixed addition', () => {
  const operator = { name: 'PROTOCOL', arguments: undefined, maxLength: undefined } as never
  for (const level of [
    rules([option('a', [operator])]),
    rules([option('a', ['1', operator])]),
    rules([option('a', ['1'], { action: 'overwrite-or-add' })]),
    rules([option('a', ['1'], { action: 'add-if-absent' })]),
    rules([option('a', ['1'])], ['b']),
  ]) {
    assert.equal(fixedAdditions('response', [rules([option('x', ['y'])]), level]), undefined)
  }
})
