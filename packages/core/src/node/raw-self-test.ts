// Whether raw handles of this version of node behave as the data path needs them to, tried on loopback in a few
// milliseconds. What this does not try must not be relied upon in raw-transport.ts.
import type { Net, NetListener, Transport, TransportClose, TransportHandler } from '../transport.ts'

/** Far more than a connection of loopback holds: by then a write has had to wait for its reader. */
const mostBulkBytes = 64 * 1024 * 1024
/** More than one string write, and no multiple of any buffer's size, so that pieces in the wrong place are noticed. */
const stepBytes = 61_001
/** A machine that starts a whole mesh at once is slow, and a proxy that gives up keeps the dearer sockets for life. */
const defaultLimitMs = 10_000

/** Bytes that repeat with a period that no buffer size shares; as long as the longest piece, from any place in it. */
const period = 251
const pattern = Buffer.alloc(64 * 1024 + period, Buffer.from(Array.from({ length: period }, (_, i) => i)))

/** Tries a network on loopback. The result is what went wrong; undefined: nothing. */
export async function testRawNet(net: Net, limitMs = defaultLimitMs): Promise<string | undefined> {
  const accepted = new Waiting<Transport>()
  const listening = await net.listen({ host: '127.0.0.1', port: 0 }, (transport) => accepted.give(transport))
  if (!listening.ok) return `listening: ${listening.error}`
  const opened: Transport[] = []
  let timer: NodeJS.Timeout | undefined
  let step = 'connect'
  const steps = async (): Promise<void> => {
    for (const [name, run] of trials) {
      step = name
      const pair = await connected(net, listening.value, accepted)
      opened.push(pair.near.transport, pair.far.transport)
      await run(pair)
    }
    step = 'refused connection'
    await listening.value.close()
    await refused(net, listening.value.port)
  }
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no outcome within ${limitMs} ms`)), limitMs)
  })
  try {
    await Promise.race([steps(), tooLong])
    return undefined
  } catch (error) {
    return `${step}: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    clearTimeout(timer)
    await listening.value.close()
    for (const transport of opened) transport.destroy(true)
  }
}

interface Pair {
  readonly near: End
  readonly far: End
}

type Trial = readonly [name: string, run: (pair: Pair) => Promise<void>]

const trials: readonly Trial[] = [
  ['echo and half-close', echo],
  ['bulk with back pressure', bulk],
  ['pause and resume', pauses],
  ['reset', reset],
]

async function echo({ near, far }: Pair): Promise<void> {
  check(near.transport.localPort === far.transport.remotePort, 'the two ends disagree on a port')
  check(near.transport.localAddress === testAddress, 'the local address is not the one asked for')
  near.transport.resume()
  far.transport.resume()
  near.transport.writeLatin1('ping\xff')
  near.transport.end()
  await far.until(() => far.ended)
  check(far.text === 'ping\xff', 'other bytes arrived than were sent')
  far.transport.write(Buffer.from('pong'))
  far.transport.end()
  await near.until(() => near.closed !== undefined && far.closed !== undefined)
  check(near.text === 'pong' && near.ended, 'the answer did not come back')
  check(near.closed?.reason === 'closed' && far.closed?.reason === 'closed', 'an orderly end was taken for another')
}

async function bulk({ near, far }: Pair): Promise<void> {
  const piece = Buffer.alloc(stepBytes)
  let sent = 0
  far.verify = true
  for (let waits = 0; waits < 2; ) {
    pattern.copy(piece, 0, sent % period)
    sent += stepBytes
    near.drained = false
    const going = near.transport.write(piece)
    // What was passed in is the caller's again.
    piece.fill(0)
    check(sent < mostBulkBytes, 'the kernel takes everything: writing too fast cannot be tried')
    if (going) continue
    if (near.transport.queuedBytes === 0) {
      // libuv asks the kernel twice, and the second time it had room again: nothing waits, and the end of it is told soon.
      await turns()
      check(near.drained, 'bytes wait that are not counted')
      continue
    }
    waits += 1
    far.transport.resume()
    await near.until(() => near.drained)
    check(near.transport.queuedBytes === 0, 'bytes are counted that do not wait')
    far.transport.pause()
  }
  near.transport.end()
  far.transport.resume()
  await far.until(() => far.ended)
  check(!far.wrong, 'other bytes arrived than were sent')
  check(far.count === sent, `${sent} bytes were sent, ${far.count} arrived`)
}

async function pauses({ near, far }: Pair): Promise<void> {
  near.transport.writeLatin1('x')
  await turns()
  check(far.count === 0, 'a paused connection delivered')
  far.transport.resume()
  await far.until(() => far.count === 1)
  far.transport.pause()
  near.transport.writeLatin1('y')
  await turns()
  check(far.count === 1, 'a connection paused again delivered')
  far.transport.resume()
  await far.until(() => far.text === 'xy')
}

async function reset({ near, far }: Pair): Promise<void> {
  far.transport.resume()
  near.transport.destroy(true)
  await far.until(() => near.closed !== undefined && far.closed !== undefined)
  check(near.closed?.reason === 'local', "our own end was taken for the peer's")
  check(far.closed?.reason === 'reset', `a reset arrived as ${far.closed?.reason}`)
}

function refused(net: Net, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    net.connect(
      { host: '127.0.0.1', port },
      (transport) => {
        transport.destroy()
        reject(new Error('a closed port was connected to'))
      },
      ({ reason }) => (reason === 'refused' ? resolve() : reject(new Error(`told as ${reason}`))),
    )
  })
}

/** Loopback has it wherever it is 127.0.0.0/8; elsewhere the plain one is asked for. */
const testAddress = process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1'

async function connected(net: Net, at: NetListener, accepted: Waiting<Transport>): Promise<Pair> {
  const near = await new Promise<Transport>((resolve, reject) => {
    net.connect({ host: at.address, port: at.port, localAddress: testAddress }, resolve, ({ detail }) =>
      reject(new Error(detail)),
    )
  })
  return { near: new End(near), far: new End(await accepted.take()) }
}

/** One end, and what came out of it. */
class End implements TransportHandler {
  readonly transport: Transport
  text = ''
  count = 0
  wrong = false
  verify = false
  ended = false
  drained = false
  closed: TransportClose | undefined
  #wake: (() => void) | undefined

  constructor(transport: Transport) {
    this.transport = transport
    transport.handler = this
  }

  onData(chunk: Buffer): void {
    const from = this.count % period
    if (this.verify) this.wrong ||= !chunk.equals(pattern.subarray(from, from + chunk.length))
    else this.text += chunk.latin1Slice(0, chunk.length)
    this.count += chunk.length
    this.#wake?.()
  }

  onEnd(): void {
    this.ended = true
    this.#wake?.()
  }

  onDrain(): void {
    this.drained = true
    this.#wake?.()
  }

  onClose(close: TransportClose): void {
    this.closed = close
    this.#wake?.()
  }

  /** Resolves when something that happens here makes the condition true. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return
        this.#wake = undefined
        resolve()
      }
      this.#wake = look
      look()
    })
  }
}

/** Hands one value at a time from a callback to whoever waits. */
class Waiting<T> {
  readonly #values: T[] = []
  #taker: ((value: T) => void) | undefined

  give(value: T): void {
    const taker = this.#taker
    this.#taker = undefined
    if (taker === undefined) this.#values.push(value)
    else taker(value)
  }

  take(): Promise<T> {
    const value = this.#values.shift()
    return value === undefined ? new Promise((resolve) => (this.#taker = resolve)) : Promise.resolve(value)
  }
}

/** Some turns of the event loop: whatever loopback has to deliver is delivered. */
async function turns(): Promise<void> {
  for (let i = 0; i < 4; i += 1) await new Promise((resolve) => setImmediate(resolve))
}

function check(condition: boolean, complaint: string): void {
  if (!condition) throw new Error(complaint)
}
