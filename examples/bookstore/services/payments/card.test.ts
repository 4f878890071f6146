import assert from 'node:assert/strict'
import { test } from 'node:test'
import { declinedNumber, hasLuhnDigit, judgeCard } from './card.ts'

const today = new Date('2026-06-15T12:00:00Z')

test('Luhn’s rule accepts known numbers and refuses each with one digit changed', () => {
  for (const number of ['4242424242424242', '5555555555554444', '378282246310005', declinedNumber]) {
    assert.ok(hasLuhnDigit(number), number)
    for (let index = 0; index < number.length; index++) {
      const changed = number.slice(0, index) + String((Number(number[index]) + 1) % 10) + number.slice(index + 1)
      assert.ok(!hasLuhnDigit(changed), changed)
    }
  }
})

test('a card is good until its month ends', () => {
  const card = (expires: string) => judgeCard({ number: '4242424242424242', expires }, today).kind
  assert.deepEqual(['06/26', '05/26', '12/39', '13/30', '6/26'].map(card), [
    'approved',
    'declined',
    'approved',
    'invalid',
    'invalid',
  ])
})

test('the known number is valid, and declined', () => {
  assert.equal(judgeCard({ number: declinedNumber, expires: '12/39' }, today).kind, 'declined')
})
