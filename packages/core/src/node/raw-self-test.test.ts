import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Net, Transport, TransportHandler } from '../transport.ts'
import { chooseNet } from './choose-net.ts'
import { nodeNet } from './node-net.ts'
import { loadRawBindings } from './raw-bindings.ts'
import { rawNet } from './raw-net.ts'
import { testRawNet } from './raw-self-test.ts'

test('the self-test passes over both kinds of sockets of this machine, so raw handles are chosen', async () => {
  const bindings = loadRawBindings()
  assert.ok(bindings.ok)
  assert.equal(await testRawNet(rawNet(bindings.value)), undefined)
  assert.equal(await testRawNet(nodeNet), undefined)
  const { kind, reason } = await chooseNet()
  assert.deepEqual([kind, reason], ['raw', undefined])
})

test('raw handles can be switched off, and a node without them says so', async () => {
  const { kind, reason, net } = await chooseNet('socket')
  assert.deepEqual([kind, reason, net === nodeNet], ['socket', 'asked for', true])
  const real = Reflect.get(process, 'binding') as unknown
  try {
    for (const [broken, said] of [
      [undefined, /no process\.binding/],
      [() => assert.fail('not allowed here'), /not allowed here/],
      [() => ({}), /no TCP/],
      [(name: string) => (name === 'tcp_wrap' ? { TCP: class {} } : {}), /no TCPConnectWrap/],
    ] as const) {
      Reflect.set(process, 'binding', broken)
      const chosen = await chooseNet()
      assert.equal(chosen.kind, 'socket')
      assert.match(chosen.reason ?? '', said)
    }
  } finally {
    Reflect.set(process, 'binding', real)
  }
})

/** A network whose transports misbehave in one way; `this` of a replaced method is the transport. */
function faulty(spoil: (transport: Transport) => void): Net {
  const wrap =
    (onOpen: (transport: Transport) => void) =>
    (transport: Transport): void => {
      const spoiled = Object.create(transport, {
        handler: {
          get: () => transport.handler,
          set: (handler: TransportHandler) => {
            transport.handler = handler
          },
        },
      }) as Transport
      for (const name of ['write', 'writeLatin1', 'end', 'pause', 'resume', 'destroy'] as const) {
        Reflect.set(spoiled, name, (...args: never[]) => Reflect.apply(transport[name], transport, args) as unknown)
      }
      Object.defineProperty(spoiled, 'queuedBytes', { get: () => transport.queuedBytes, configurable: true })
      spoil(spoiled)
      onOpen(spoiled)
    }
  return {
    ...nodeNet,
    listen: (at, onConnection) => nodeNet.listen(at, wrap(onConnection)),
    connect: (options, onOpen, onFail) => nodeNet.connect(options, wrap(onOpen), onFail),
  }
}

const replace = (name: string, value: unknown) => (transport: Transport) =>
  void Object.defineProperty(transport, name, { value, configurable: true })

test('the self-test names what a network gets wrong', async () => {
  const cases: readonly (readonly [(transport: Transport) => void, RegExp, number?])[] = [
    [replace('writeLatin1', () => true), /^echo and half-close: other bytes arrived/],
    [replace('end', () => {}), /^echo and half-close: no outcome/, 300],
    [replace('localAddress', '127.0.0.77'), /^echo and half-close: the local address/],
    [replace('remotePort', 1), /^echo and half-close: the two ends disagree/],
    [replace('pause', () => {}), /^pause and resume: a connection paused again delivered|^bulk with back pressure/],
    [replace('queuedBytes', 0), /^bulk with back pressure: bytes wait that are not counted/],
    [
      (transport: Transport): void => {
        const write = transport.write.bind(transport)
        // Keeps what it should have copied: it is overwritten before it leaves.
        transport.write = (bytes) => {
          if (bytes.length < 1_000) return write(bytes)
          const late = write(bytes.subarray(0, bytes.length - 1))
          setImmediate(() => write(bytes.subarray(bytes.length - 1)))
          return late
        }
      },
      /^bulk with back pressure: other bytes arrived/,
    ],
    [
      (transport: Transport): void => {
        const destroy = transport.destroy.bind(transport)
        transport.destroy = (): void => destroy(false)
      },
      /^reset: (no outcome|a reset arrived as closed)/,
    ],
  ]
  for (const [spoil, said, limitMs] of cases) {
    assert.match((await testRawNet(faulty(spoil), limitMs)) ?? 'nothing', said)
  }
})

test('a kernel that takes at the second try what it did not take at the first is no fault', async () => {
  let second = 0
  const network = faulty((transport) => {
    const write = transport.write.bind(transport)
    transport.write = (bytes) => {
      const going = write(bytes)
      if (!going || second > 2) return going
      second += 1
      setImmediate(() => transport.handler.onDrain())
      return false
    }
  })
  assert.equal(await testRawNet(network), undefined)
  assert.equal(second, 3)
})
