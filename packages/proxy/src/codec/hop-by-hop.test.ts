import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { H1Head } from './h1/h1-head.ts'
import { takeHopByHop } from './hop-by-hop.ts'

function passedOn(...lines: readonly string[]): string {
  const head = new H1Head(false)
  const bytes = Buffer.from(`GET / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  assert.equal(head.parse(bytes, 0, bytes.length, { maxBytes: 4096, maxHeaders: 50 }), 'done')
  takeHopByHop(head)
  return head.lines()
}

test('headers that Connection names stay on their hop, the type of the content among them', () => {
  assert.equal(
    passedOn('Connection: X-Own, Content-Type', 'X-Own: 1', 'Content-Type: a/b', 'Accept: c'),
    'Accept: c\r\n',
  )
})

test('headers that the proxy itself relies on cannot be stripped by naming them', () => {
  assert.equal(
    passedOn('Connection: Authorization, Cookie', 'Authorization: x', 'Cookie: y'),
    'Authorization: x\r\nCookie: y\r\n',
  )
})
