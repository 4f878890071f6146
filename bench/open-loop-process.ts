// A generator of its own process: evenly spaced requests at a constant rate over many connections, busy-waiting, each latency counted
// from the moment the request was meant to leave. argv: URL, requests per second, seconds, connections. Prints JSON.
import { connect, type Socket } from 'node:net'

const [url = '', rate = '3000', seconds = '1', connections = '32'] = process.argv.slice(2)
const { hostname, port } = new URL(url)
const everyMs = 1_000 / Number(rate)
const total = Math.round(Number(rate) * Number(seconds))
const question = 'GET /books/1 HTTP/1.1\r\nHost: echo.bench\r\nUser-Agent: bench\r\nAccept: */*\r\nX-Bench: 1\r\n\r\n'
const latenciesUs: number[] = []
const waiting: number[] = []
let failures = 0

class Line {
  readonly socket: Socket
  meantMs = -1
  got = ''

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => (failures += 1))
  }

  ask(meantMs: number): void {
    this.meantMs = meantMs
    this.socket.write(question, 'latin1')
  }

  #onData(chunk: Buffer): void {
    this.got += chunk.latin1Slice(0, chunk.length)
    const head = this.got.indexOf('\r\n\r\n')
    const length = /content-length: (\d+)/i.exec(this.got)?.[1]
    if (head < 0 || length === undefined || this.got.length < head + 4 + Number(length)) return
    if (!this.got.startsWith('HTTP/1.1 200')) failures += 1
    this.got = ''
    latenciesUs.push((performance.now() - this.meantMs) * 1_000)
    const next = waiting.shift()
    if (next === undefined) free.push(this)
    else this.ask(next)
  }
}

const free: Line[] = await Promise.all(
  Array.from(
    { length: Number(connections) },
    () =>
      new Promise<Line>((resolve, reject) => {
        const socket = connect(Number(port), hostname, () => resolve(new Line(socket)))
        socket.once('error', reject)
      }),
  ),
)
const startMs = performance.now() + 50
let sent = 0

function turn(): void {
  for (const nowMs = performance.now(); sent < total && startMs + sent * everyMs <= nowMs; sent += 1) {
    const meantMs = startMs + sent * everyMs
    const line = free.shift()
    if (line === undefined) waiting.push(meantMs)
    else line.ask(meantMs)
  }
  const late = performance.now() - startMs > (Number(seconds) + 5) * 1_000
  if (latenciesUs.length < total && !late) return void setImmediate(turn)
  const sorted = latenciesUs.sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  const report = {
    count: sorted.length,
    lost: total - sorted.length,
    failures,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
  }
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0))
}
turn()
