// `node bench/http2-codec.ts [name ...]`: the HTTP/2 codec in memory, nanoseconds of each piece per head, over a corpus of 1,000
// different requests as nghttp2's encoder (inside node:http2) writes them. Ratios within one run are all that counts.
import { Buffer } from 'node:buffer'
import { connect } from 'node:http2'
import { systemClock, systemTimers } from '../packages/core/src/node/clock.ts'
import { nodeNet } from '../packages/core/src/node/node-net.ts'
import { FieldsHead } from '../packages/proxy/src/codec/fields-head.ts'
import { H2ClientConnection } from '../packages/proxy/src/codec/h2/client-connection.ts'
import { clientPreface, frameHeadBytes, FrameType } from '../packages/proxy/src/codec/h2/frame.ts'
import { defaultH2Options } from '../packages/proxy/src/codec/h2/h2-options.ts'
import { createH2Shared } from '../packages/proxy/src/codec/h2/h2-shared.ts'
import { framesOf, ManualTime, MemoryTransport, SeenRequest } from '../packages/proxy/src/codec/h2/h2-under-test.ts'
import { HeadReader } from '../packages/proxy/src/codec/h2/head-reader.ts'
import { writeRequest } from '../packages/proxy/src/codec/h2/head-writer.ts'
import { HpackDecoder } from '../packages/proxy/src/codec/h2/hpack-decoder.ts'
import { dropKind } from '../packages/proxy/src/codec/head-edits.ts'
import { HeaderKind } from '../packages/proxy/src/codec/header-kind.ts'
import { takeHopByHop } from '../packages/proxy/src/codec/hop-by-hop.ts'
import { H1Head } from '../packages/proxy/src/codec/h1/h1-head.ts'
import { H1Output } from '../packages/proxy/src/codec/h1/h1-output.ts'
import { writeRequest as writeHead } from '../packages/proxy/src/codec/h1/head-text.ts'
import { HpackEncoder } from '../packages/proxy/src/codec/h2/hpack-encoder.ts'
import { OutputBuffer } from '../packages/proxy/src/codec/h2/output-buffer.ts'
import { H2ServerConnection } from '../packages/proxy/src/codec/h2/server-connection.ts'
import type { DownstreamStream, ResponseReceiver } from '../packages/proxy/src/codec/http-stream.ts'

const heads = 1_000
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 200)
const limits = { maxBytes: 60 * 1024, maxHeaders: 100 }

/** A deterministic source of numbers, so that every run has the same corpus. */
let seed = 12_345
function pick(count: number): number {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
  return (seed >>> 8) % count
}
const hex = (digits: number): string => Array.from({ length: digits }, () => pick(16).toString(16)).join('')

/** One of the corpus: different paths and ids, a few agents and tokens, as a mesh sees them. */
function requestFields(index: number): Record<string, string> {
  const grpc = index % 4 === 0
  return {
    ':method': grpc ? 'POST' : 'GET',
    ':scheme': 'http',
    ':path': grpc ? `/bookstore.Stock/Level${pick(20)}` : `/books/${pick(5_000)}?page=${pick(50)}&sort=${hex(4)}`,
    ':authority': `catalog-${pick(3)}.bookstore.svc.cluster.local`,
    'user-agent': `client/${pick(8)}.0 (linux; node)`,
    accept: pick(2) === 0 ? '*/*' : 'application/json, text/plain',
    'x-request-id': `${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)}`,
    traceparent: `00-${hex(32)}-${hex(16)}-01`,
    ...(grpc ? { 'content-type': 'application/grpc', te: 'trailers', 'grpc-timeout': `${pick(900)}m` } : {}),
    ...(index % 3 === 0 ? { authorization: `Bearer ${hex(200)}` } : {}),
    ...(index % 5 === 0 ? { cookie: `session=${hex(32)}; theme=dark` } : {}),
  }
}
const corpus = Array.from({ length: heads }, (_, index) => requestFields(index))

/** What a client of nghttp2 sends for the whole corpus on one connection. */
async function recordClient(): Promise<Buffer> {
  const recorded: Buffer[] = []
  const shared = createH2Shared({ clock: systemClock, timers: systemTimers })
  const listening = await nodeNet.listen({ host: '127.0.0.1', port: 0 }, (transport) => {
    const connection = new H2ServerConnection(transport, trivialServer, shared, defaultH2Options)
    const onBytes = connection.onBytes.bind(connection)
    connection.onBytes = (bytes, start, end) => {
      recorded.push(Buffer.from(bytes.subarray(start, end)))
      onBytes(bytes, start, end)
    }
    connection.start(undefined)
  })
  if (!listening.ok) throw new Error(listening.error)
  const session = connect(`http://127.0.0.1:${listening.value.port}`)
  for (let at = 0; at < heads; at += 50) {
    await Promise.all(
      corpus.slice(at, at + 50).map(
        (fields) =>
          new Promise((resolve, reject) => {
            session.request(fields).on('close', resolve).on('error', reject).resume().end()
          }),
      ),
    )
  }
  session.destroy()
  await listening.value.close()
  return Buffer.concat(recorded)
}

const answerBody = Buffer.alloc(1_024, 'x')
const trivialServer = {
  limits: () => limits,
  idleMs: () => 0,
  drainMs: () => 5_000,
  headMs: () => 0,
  onStream(stream: DownstreamStream) {
    const answer = (): void => {
      const head = new FieldsHead()
      head.status = 200
      head.push('content-type', 'application/json')
      head.push('content-length', '1024')
      head.push('date', 'Sat, 21 Nov 2026 08:00:00 GMT')
      head.push('server', 'envoy')
      head.push('x-envoy-upstream-service-time', '3')
      stream.respond(head, 'length', true)
      stream.sendBytes(answerBody, 0, answerBody.length)
      stream.end()
    }
    const request = new SeenRequest(stream)
    request.onWhole = answer
    if (request.ended) answer()
  },
  onHeadFault: (stream: DownstreamStream) => stream.reset('internal'),
  onMalformed() {},
  onClosed() {},
}

const time = new ManualTime()
const shared = createH2Shared({ clock: time, timers: time })

function blocksOf(bytes: Buffer): Buffer[] {
  return framesOf(bytes.subarray(clientPreface.length))
    .filter(({ type }) => type === FrameType.HEADERS)
    .map(({ payload, flags }) => ((flags & 32) === 0 ? payload : payload.subarray(5)))
}

function decodeAll(blocks: readonly Buffer[]): number {
  const decoder = new HpackDecoder()
  const reader = new HeadReader()
  let fields = 0
  for (const block of blocks) {
    reader.begin('request', limits)
    const fault = decoder.decode(block, 0, block.length, reader)
    reader.finish()
    if (fault !== undefined || reader.malformed !== undefined) throw new Error(fault ?? reader.malformed)
    fields += reader.head.count
  }
  return fields
}

const requests = corpus.map((fields) => {
  const head = new FieldsHead()
  for (const [name, value] of Object.entries(fields)) if (!name.startsWith(':')) head.push(name, value)
  const [method, path, scheme, authority] = [':method', ':path', ':scheme', ':authority'].map((name) => fields[name])
  return {
    ...{ method: method as string, path: path as string, scheme: scheme as string, authority: authority as string },
    ...{ upgrade: undefined, head, extra: [], body: 'none' as const },
  }
})

function encodeAll(onBlock: (block: Buffer) => void = () => {}): void {
  const encoder = new HpackEncoder()
  const output = new OutputBuffer(shared.buffers)
  for (const request of requests) {
    output.length = 0
    writeRequest({ output, encoder, id: 1, ends: true }, request)
    onBlock(output.bytes.subarray(frameHeadBytes, output.length))
  }
  output.clear()
}

/** The corpus as HTTP/1.1 writes it. */
const texts = corpus.map((fields) => {
  const lines = Object.entries(fields).filter(([name]) => !name.startsWith(':'))
  const head = `GET ${fields[':path']} HTTP/1.1\r\nHost: ${fields[':authority']}\r\n`
  return Buffer.from(`${head}${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`, 'latin1')
})

/** HTTP/1.1 to HTTP/2: what the near proxy of a mesh hop does with each head. */
function forwardAll(onBlock: (block: Buffer) => void = () => {}): void {
  const encoder = new HpackEncoder()
  const output = new OutputBuffer(shared.buffers)
  const head = new H1Head(false)
  for (const text of texts) {
    head.reset()
    if (head.parse(text, 0, text.length, limits) !== 'done') throw new Error('a head was not read')
    takeHopByHop(head)
    head.added.push('x-forwarded-proto', 'http', 'x-forwarded-for', '127.0.0.1')
    const authority = head.value('host') as string
    const request = { method: head.method(), path: head.target(), scheme: 'http', authority, head }
    output.length = 0
    writeRequest({ output, encoder, id: 1, ends: true }, { ...request, upgrade: undefined, extra: [], body: 'none' })
    onBlock(output.bytes.subarray(frameHeadBytes, output.length))
    head.settle(false)
  }
  output.clear()
}

/** HTTP/2 to HTTP/1.1: what the far one does. */
function deliverAll(blocks: readonly Buffer[]): number {
  const decoder = new HpackDecoder()
  const reader = new HeadReader()
  const transport = new MemoryTransport()
  transport.write = () => true
  const output = new H1Output(transport)
  let bytes = 0
  for (const block of blocks) {
    reader.begin('request', limits)
    if (decoder.decode(block, 0, block.length, reader) !== undefined) throw new Error('a block was not read')
    reader.finish()
    const { head } = reader
    const authority = head.value('host') as string
    dropKind(head, HeaderKind.HOST)
    const request = { method: head.methodText, path: head.path, scheme: 'http', authority, head, upgrade: undefined }
    writeHead(output, { ...request, extra: [], body: 'none', asReceived: false })
    bytes += output.length
    output.flush()
  }
  return bytes
}

/** The whole server side: frames in, streams, small answers out, in reads of 16 kB. */
function serveAll(bytes: Buffer): number {
  const transport = new MemoryTransport()
  const connection = new H2ServerConnection(transport, trivialServer, shared, defaultH2Options)
  connection.start(undefined)
  let written = 0
  for (let at = 0; at < bytes.length; at += 16_384) {
    transport.handler.onData(bytes.subarray(at, at + 16_384))
    time.turn()
    written += transport.take().length
  }
  transport.handler.onClose({ reason: 'closed', detail: '' })
  return written
}

const ignoreAnswer: ResponseReceiver = {
  onInformational() {},
  onHead() {},
  onData() {},
  onEnd() {},
  onFlush() {},
  onWritable() {},
  onFailure({ detail }) {
    throw new Error(detail)
  },
}

/** A client and a server on one connection: request and answer of the whole corpus, fifty at a time. */
function exchangeAll(): number {
  const [near, far] = [new MemoryTransport(), new MemoryTransport()]
  const owner = { idleMs: () => 0, onRoom() {}, onDraining() {}, onClosed() {} }
  const client = new H2ClientConnection(near, owner, shared, defaultH2Options)
  const server = new H2ServerConnection(far, trivialServer, shared, defaultH2Options)
  server.start(undefined)
  client.start()
  for (let at = 0; at < heads; at += 50) {
    for (let index = at; index < at + 50; index++)
      client.open().begin(ignoreAnswer, requests[index] as (typeof requests)[0])
    for (;;) {
      time.turn()
      const [up, down] = [near.take(), far.take()]
      if (up.length === 0 && down.length === 0) break
      if (up.length > 0) far.handler.onData(up)
      if (down.length > 0) near.handler.onData(down)
    }
  }
  if (client.active !== 0) throw new Error(`${client.active} are open`)
  near.handler.onClose({ reason: 'closed', detail: '' })
  far.handler.onClose({ reason: 'closed', detail: '' })
  return heads
}

const recorded = await recordClient()
const theirBlocks = blocksOf(recorded)
const ourBlocks: Buffer[] = []
encodeAll((block) => ourBlocks.push(Buffer.from(block)))
const forwarded: Buffer[] = []
forwardAll((block) => forwarded.push(Buffer.from(block)))
if (theirBlocks.length !== heads) throw new Error(`${theirBlocks.length} heads were recorded`)

const parts: Record<string, () => unknown> = {
  'decode what nghttp2 wrote': () => decodeAll(theirBlocks),
  'decode what we wrote': () => decodeAll(ourBlocks),
  encode: () => encodeAll(),
  'serve what nghttp2 wrote': () => serveAll(recorded),
  'ask and serve': exchangeAll,
  'HTTP/1.1 to HTTP/2': () => forwardAll(),
  'HTTP/2 to HTTP/1.1': () => deliverAll(forwarded),
}
const wanted = process.argv.slice(2)
const bytes = (blocks: readonly Buffer[]): number =>
  Math.round(blocks.reduce((sum, { length }) => sum + length, 0) / heads)
console.log(`a head: ${bytes(theirBlocks)} bytes by nghttp2, ${bytes(ourBlocks)} by us`)
for (const [name, run] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue
  for (let round = 0; round < rounds / 4; round++) run()
  const samples: number[] = []
  for (let round = 0; round < rounds; round++) {
    const started = process.hrtime.bigint()
    run()
    samples.push(Number(process.hrtime.bigint() - started) / heads)
  }
  samples.sort((a, b) => a - b)
  const [median, best] = [samples[rounds >> 1] as number, samples[0] as number]
  console.log(`${name.padEnd(26)} ${median.toFixed(0).padStart(6)} ns a head (best ${best.toFixed(0)})`)
}
process.exit()
