// Headers that an authorizer may not put into a request are named by what they are not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { departures, otherThan } from './other-names.ts'

const names = ['te', 'trailer', 'content-length', 'content-type', 'host']
const expression = new RegExp(`^(?:${departures(names).join('|')})$`)

test('no name that is left out fits, nor does a pseudo header', () => {
  for (const name of [...names, ':path', ':status']) assert.ok(!expression.test(name), name)
})

test('every other name fits, also those that begin like one that is left out, or go on after it', () => {
  for (const name of [
    't',
    'tenant',
    'trail',
    'trailers',
    'content',
    'content-',
    'content-lengths',
    'x-user',
    'hosts',
  ]) {
    assert.ok(expression.test(name), name)
  }
})

test('expressions stay small enough for Envoy', () => {
  for (const { matchPattern } of otherThan(names)) {
    assert.ok(matchPattern?.case === 'safeRegex' && (matchPattern.value.regex?.length ?? 0) < 90)
  }
})
