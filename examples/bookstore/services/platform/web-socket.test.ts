import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { acceptWebSocket } from './web-socket.ts'
import { frameReader, serverFrame, type ClientFrame } from './web-socket-frames.ts'

function masked(opcode: number, payload: Buffer, mask: readonly number[] = [1, 2, 3, 4]): Buffer {
  const long = payload.length > 125
  const head = Buffer.from([0x80 | opcode, 0x80 | (long ? 126 : payload.length)])
  const length = Buffer.alloc(long ? 2 : 0)
  if (long) length.writeUInt16BE(payload.length)
  const body = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0))
  return Buffer.concat([head, length, Buffer.from(mask), body])
}

function readAll(bytes: Buffer, cuts: readonly number[] = []): ClientFrame[] {
  const read = frameReader()
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return at.slice(1).flatMap((end, index) => read(bytes.subarray(at[index], end)))
}

test('frames are read whole wherever they are cut, whatever is in them', () => {
  const frame = fc.record({
    opcode: fc.constantFrom(0, 1, 2, 9, 10),
    payload: fc.uint8Array({ maxLength: 125 }).map((bytes) => Buffer.from(bytes)),
  })
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 5 }), fc.array(fc.nat()), (frames, cuts) => {
      const bytes = Buffer.concat(frames.map(({ opcode, payload }) => masked(opcode, payload)))
      const expected = frames.map(({ opcode, payload }): ClientFrame => {
        if (opcode === 9) return { kind: 'ping', payload }
        return { kind: opcode === 10 ? 'pong' : 'message' }
      })
      assert.deepEqual(readAll(bytes, cuts), expected)
    }),
  )
})

test('any bytes are frames or one fault, the same however they are cut', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat()), (bytes, cuts) => {
      const whole = readAll(Buffer.from(bytes))
      assert.deepEqual(readAll(Buffer.from(bytes), cuts), whole)
      assert.ok(whole.slice(0, -1).every(({ kind }) => kind !== 'fault'))
    }),
  )
})

test('what is unmasked, reserved, fragmented control or too long is a fault', () => {
  const code = (bytes: Buffer) => readAll(bytes).map((frame) => (frame.kind === 'fault' ? frame.code : frame.kind))
  assert.deepEqual(code(Buffer.from([0x81, 0x01, 0x41])), [1002])
  assert.deepEqual(code(masked(3, Buffer.alloc(0))), [1002])
  assert.deepEqual(code(Buffer.from([0x09, 0x80, 0, 0, 0, 0])), [1002])
  assert.deepEqual(code(Buffer.from([0xc1, 0x80, 0, 0, 0, 0])), [1002])
  assert.deepEqual(code(Buffer.from([0x81, 0xff])), [1009])
  assert.deepEqual(code(masked(1, Buffer.alloc(5000))), [1009])
  assert.deepEqual(code(masked(8, Buffer.from([3, 232]))), ['close'])
})

test('Node’s own client reads what is sent, and the code it ends with', async () => {
  const server = createServer()
  server.on('upgrade', (request, socket, head) => {
    const live = acceptWebSocket(request, socket, head)
    live.send('short')
    live.send('l'.repeat(300))
    live.close(1000)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const texts: string[] = []
  client.onmessage = ({ data }) => texts.push(String(data))
  const code = await new Promise<number>((resolve) => {
    client.onclose = (event) => resolve(event.code)
  })
  assert.deepEqual([texts.map((text) => text.length), code], [[5, 300], 1000])
  server.close()
})

test('a ping is answered with its payload, and a fault ends the connection with its code', async () => {
  const server = createServer()
  server.on('upgrade', (request, socket, head) => void acceptWebSocket(request, socket, head))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n')
  socket.write('sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
  socket.write(masked(9, Buffer.from('hi')))
  socket.write(Buffer.from([0x81, 0x01, 0x41]))
  const bytes = Buffer.concat(await socket.toArray())
  const head = bytes.indexOf('\r\n\r\n') + 4
  assert.match(
    bytes.subarray(0, head).toString(),
    /^HTTP\/1.1 101 .*sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/s,
  )
  const closed = Buffer.from([0x03, 0xea])
  const expected = Buffer.concat([serverFrame('pong', Buffer.from('hi')), serverFrame('close', closed)])
  assert.deepEqual(bytes.subarray(head), expected)
  server.close()
})
