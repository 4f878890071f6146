import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { DeadlineLists } from '../../exchange/deadline-lists.ts'
import { ManualTime, MemoryTransport } from '../h2/h2-under-test.ts'
import type { DownstreamStream, RequestReceiver } from '../http-stream.ts'
import type { RequestServer } from './request-server.ts'
import { H1ServerConnection } from './server-connection.ts'

/** A server whose requests stop being read with their first bytes. */
function stopping() {
  const time = new ManualTime()
  const transport = new MemoryTransport()
  const streams: DownstreamStream[] = []
  const server: RequestServer = {
    limits: () => ({ maxBytes: 4_000, maxHeaders: 20 }),
    idleMs: () => 0,
    headMs: () => 0,
    lingerMs: () => 1,
    drainMs: () => 1,
    keepsTrailers: () => false,
    onRequest(stream) {
      streams.push(stream)
      const receiver: RequestReceiver = {
        onData: () => stream.pauseRequest(),
        ...{ onEnd() {}, onFlush() {}, onWritable() {}, onAhead() {}, onBodyFault() {}, onGone() {} },
      }
      stream.attach(receiver)
    },
    onHeadFault: () => assert.fail('a good head'),
    onHeadTimeout: () => assert.fail('a whole head'),
    onHeadCutOff: () => assert.fail('a whole head'),
    onClosed() {},
  }
  const connection = new H1ServerConnection(transport, server, new DeadlineLists(time, time))
  return { connection, transport, streams }
}

const request = Buffer.from('POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 100\r\n\r\nsome of it')

test('a request that came before the connection began, and is to wait, is not read on', () => {
  const { connection, transport, streams } = stopping()
  connection.start(request)
  assert.equal(transport.paused, true)
  streams[0]?.resumeRequest()
  assert.equal(transport.paused, false)
  transport.handler.onData(Buffer.from('more'))
  assert.equal(transport.paused, true, 'it can be stopped again')
})

test('a connection of which nothing came yet is read', () => {
  const { connection, transport } = stopping()
  connection.start(undefined)
  assert.equal(transport.paused, false)
  transport.handler.onData(request)
  assert.equal(transport.paused, true)
})
