import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SessionState } from '../model.ts'
import { plainHead } from '../request-head.ts'
import { concerns, sessionEndpoint, sessionLine } from './session.ts'

const now = 1_800_000_000_000
const key = '127.66.0.3:8080'
const header: SessionState = { kind: 'header', name: 'x-session' }
const cookie = (ttlMs = 0, path = '/'): SessionState => ({
  kind: 'cookie',
  name: 's',
  made: { ttlMs, path, attributes: [] },
})
const asked = (state: SessionState, headers: Record<string, string>, atMs = now) =>
  sessionEndpoint(state, plainHead({ method: 'GET', path: '/', authority: 's', headers }), atMs)

test('what an answer writes down, the next request asks for', () => {
  assert.deepEqual(sessionLine(header, key, now), ['x-session', 'MTI3LjY2LjAuMzo4MDgw'])
  assert.equal(asked(header, { 'x-session': 'MTI3LjY2LjAuMzo4MDgw' }), key)
  // The message that Envoy writes, protobuf in base64: field 1 is the address.
  const [name, line] = sessionLine(cookie(), key, now)
  assert.deepEqual([name, line], ['set-cookie', `s="${btoa(`\x0a\x0f${key}`)}"; Path=/; HttpOnly`])
  assert.equal(asked(cookie(), { cookie: `other=1; s="${btoa(`\x0a\x0f${key}`)}"` }), key)
})

test('a session with a time limit ends with it, whether the client still sends its cookie or not', () => {
  const state = cookie(60_000)
  const [, line] = sessionLine(state, key, now)
  assert.match(line, /; Max-Age=60; /)
  const value = /^s="([^"]+)"/.exec(line)?.[1] ?? ''
  assert.equal(asked(state, { cookie: `s=${value}` }, now + 59_000), key)
  assert.equal(asked(state, { cookie: `s=${value}` }, now + 61_000), undefined)
})

test('a bare address in a cookie is an address, and what is no base64 or holds none is nothing', () => {
  assert.equal(asked(cookie(), { cookie: `s=${btoa(key)}` }), key)
  for (const value of ['', '%%%', 'abc', btoa('\x10\x05'), btoa('\x0a\x00')])
    assert.equal(asked(cookie(), { cookie: `s=${value}` }), undefined, value)
  assert.equal(asked(header, { 'x-session': 'no base64!' }), undefined)
  assert.equal(asked(header, {}), undefined)
})

test('messages of any bytes are read without harm', () => {
  const bytes = (seed: number): string =>
    Array.from({ length: 1 + (seed % 23) }, (_, at) => String.fromCharCode((seed * 31 + at * 97) % 256)).join('')
  for (let seed = 0; seed < 2_000; seed++) {
    const told = asked(cookie(), { cookie: `s=${btoa(bytes(seed))}` })
    assert.ok(told === undefined || told.length <= 23)
  }
})

test('a cookie with a path concerns the paths below it only', () => {
  const state = cookie(0, '/shop')
  assert.deepEqual(
    ['/shop', '/shop/cart', '/shop?x', '/shopping', '/'].map((path) => concerns(state, path)),
    [true, true, true, false, false],
  )
  assert.ok(concerns(cookie(0, ''), '/any') && concerns(header, '/any'))
})
