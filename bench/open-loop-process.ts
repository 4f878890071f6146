// A generator of its own process: evenly spaced requests at a constant rate over many connections, busy-waiting, each latency counted
// from the moment the request was meant to leave. argv: URL, requests per second, seconds, connections. Prints JSON.
// What it measures must not be itself: the first second, in which its own code is compiled, does not count, and a request leaves no garbage.
import { connect, type Socket } from 'node:net'

const [url = '', rate = '3000', seconds = '1', connections = '32'] = process.argv.slice(2)
const { hostname, port } = new URL(url)
const everyMs = 1_000 / Number(rate)
const warmUp = Number(rate)
const total = warmUp + Math.round(Number(rate) * Number(seconds))
const question = Buffer.from(
  'GET /books/1 HTTP/1.1\r\nHost: echo.bench\r\nUser-Agent: bench\r\nAccept: */*\r\nX-Bench: 1\r\n\r\n',
)
const answerOk = Buffer.from('HTTP/1.1 200')
const endOfHead = Buffer.from('\r\n\r\n')
/** By request, in the order of asking; -1 where no answer came. */
const latenciesUs = new Float64Array(total).fill(-1)
let answered = 0
let failures = 0
/** Of every answer: the backend sends 1 kB whatever it is asked. */
let bodyLength = -1

class Line {
  readonly socket: Socket
  readonly buffer = Buffer.allocUnsafe(65_536)
  #request = -1
  #meantMs = -1
  #got = 0

  constructor(onConnected: (line: Line) => void, onFailed: (error: Error) => void) {
    const onread = {
      buffer: Buffer.allocUnsafe(65_536),
      callback: (length: number, at: Uint8Array) => this.#onData(length, at),
    }
    this.socket = connect({ port: Number(port), host: hostname, onread }, () => onConnected(this))
    this.socket.setNoDelay(true)
    // Before it is connected; afterwards what counts is that it closes.
    this.socket.on('error', onFailed)
    this.socket.on('close', () => (failures += 1))
  }

  ask(request: number, meantMs: number): void {
    this.#request = request
    this.#meantMs = meantMs
    this.socket.write(question)
  }

  #onData(length: number, bytes: Uint8Array): boolean {
    this.buffer.set(bytes.subarray(0, length), this.#got)
    this.#got += length
    const answer = this.buffer.subarray(0, this.#got)
    const head = answer.indexOf(endOfHead)
    if (head < 0) return true
    if (bodyLength < 0) bodyLength = Number(/content-length: (\d+)/i.exec(answer.latin1Slice(0, head))?.[1])
    if (this.#got < head + 4 + bodyLength) return true
    if (answer.compare(answerOk, 0, answerOk.length, 0, answerOk.length) !== 0) failures += 1
    this.#got = 0
    latenciesUs[this.#request] = (performance.now() - this.#meantMs) * 1_000
    answered += 1
    free.push(this)
    return true
  }
}

const free: Line[] = await Promise.all(
  Array.from(
    { length: Number(connections) },
    () =>
      new Promise<Line>((resolve, reject) => {
        new Line(resolve, reject)
      }),
  ),
)
const startMs = performance.now() + 50
let sent = 0

function report(): void {
  const measured = latenciesUs.subarray(warmUp).filter((us) => us >= 0)
  const sorted = measured.sort()
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  const result = {
    count: sorted.length,
    lost: total - warmUp - sorted.length,
    failures,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
  }
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
}

function turn(): void {
  // Without a free connection a request waits, and its latency counts on.
  for (const nowMs = performance.now(); sent < total && free.length > 0; sent += 1) {
    const meantMs = startMs + sent * everyMs
    if (meantMs > nowMs) break
    free.shift()?.ask(sent, meantMs)
  }
  const late = performance.now() - startMs > (total / Number(rate) + 5) * 1_000
  if (answered < total && !late) setImmediate(turn)
  else report()
}
turn()
