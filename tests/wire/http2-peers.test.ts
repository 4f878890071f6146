// The HTTP/2 codec against clients and servers nobody here wrote, over real sockets.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import type { Transport } from '@weft/core'
import { atRest } from '@weft/testkit/at-rest'
import { once } from '@weft/testkit/once'
import { within } from '@weft/testkit/within'
import { systemClock, systemTimers } from '../../packages/core/src/node/clock.ts'
import { nodeNet } from '../../packages/core/src/node/node-net.ts'
import { H2ClientConnection } from '../../packages/proxy/src/codec/h2/client-connection.ts'
import { defaultH2Options } from '../../packages/proxy/src/codec/h2/h2-options.ts'
import { createH2Shared } from '../../packages/proxy/src/codec/h2/h2-shared.ts'
import { answerHead, linesOf, SeenRequest } from '../../packages/proxy/src/codec/h2/h2-under-test.ts'
import { H2ServerConnection } from '../../packages/proxy/src/codec/h2/server-connection.ts'
import type {
  BodyExtent,
  DownstreamStream,
  OutgoingRequest,
  ResponseFailure,
  ResponseReceiver,
  UpstreamStream,
} from '../../packages/proxy/src/codec/http-stream.ts'
import type { MessageHead } from '../../packages/proxy/src/codec/message-head.ts'
import { missingPeers } from '../interop/peers/peer.ts'
import { until } from './test-runtime.ts'

const shared = createH2Shared({ clock: systemClock, timers: systemTimers })
const closers: (() => unknown)[] = []
after(() => {
  for (const close of closers) close()
})
const large = Buffer.alloc(3 * 1024 * 1024)
for (let at = 0; at < large.length; at += 4) large.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at)
const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** Sends all of a body, waiting when it must. */
class BodyWriter {
  readonly #stream: DownstreamStream | UpstreamStream
  readonly #body: Buffer
  #at = 0
  done = false

  constructor(stream: DownstreamStream | UpstreamStream, body: Buffer) {
    this.#stream = stream
    this.#body = body
  }
  go(trailers?: MessageHead): void {
    while (this.#at < this.#body.length) {
      const from = this.#at
      this.#at = Math.min(this.#body.length, from + 50_000)
      if (!this.#stream.sendBytes(this.#body, from, this.#at)) return
    }
    if (this.done) return
    this.done = true
    this.#stream.end(trailers)
  }
}

/** What our server does by path. */
function serve(stream: DownstreamStream): void {
  const request = new SeenRequest(stream)
  const path = stream.head.target()
  const answer = (): void => {
    if (path === '/reset') return stream.reset('internal')
    if (path === '/never') return
    if (path === '/head') {
      stream.respond(answerHead(200, [['content-length', '7']]), 'none', true)
      return stream.end()
    }
    if (path === '/large') {
      const writer = new BodyWriter(stream, large)
      request.onWritable = () => writer.go()
      stream.respond(answerHead(200, [['x-path', path]]), 'unknown', true)
      return writer.go()
    }
    if (path === '/hints') stream.inform(answerHead(103, [['link', '</a.css>; rel=preload']]))
    const body = Buffer.from(
      path === '/sum' ? sum(Buffer.from(request.body, 'latin1')) : `${path} ${stream.head.method()}`,
    )
    stream.respond(answerHead(200, [['content-type', 'text/plain']]), 'unknown', true)
    stream.sendBytes(body, 0, body.length)
    stream.end(path === '/trailers' ? answerHead(0, [['x-seen', (request.trailers ?? []).join()]]) : undefined)
  }
  request.onWhole = answer
  if (request.ended) answer()
}

/** `onBegin` is called within the beginning of each request. */
async function ourServer(
  onBegin?: (connection: H2ServerConnection | undefined) => void,
): Promise<{ readonly port: number; readonly connections: H2ServerConnection[] }> {
  const connections: H2ServerConnection[] = []
  const owner = {
    limits: () => ({ maxBytes: 60 * 1024, maxHeaders: 100 }),
    idleMs: () => 60_000,
    drainMs: () => 5_000,
    headMs: () => 10_000,
    onStream(stream: DownstreamStream) {
      onBegin?.(connections.at(-1))
      serve(stream)
    },
    onHeadFault: (stream: DownstreamStream) => stream.reset('protocol'),
    onMalformed() {},
    onClosed() {},
  }
  const listening = await nodeNet.listen({ host: '127.0.0.1', port: 0 }, (transport) => {
    const connection = new H2ServerConnection(transport, owner, shared, defaultH2Options)
    connections.push(connection)
    connection.start(undefined)
  })
  assert.ok(listening.ok)
  closers.push(() => listening.value.close())
  closers.push(() => connections.forEach((connection) => connection.transport.destroy()))
  return { port: listening.value.port, connections }
}

interface NodeAnswer {
  readonly headers: http2.IncomingHttpHeaders
  readonly body: Buffer
  readonly trailers: http2.IncomingHttpHeaders
  readonly hints: http2.IncomingHttpHeaders[]
}

function nodeAsk(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: Buffer,
  trailers?: http2.OutgoingHttpHeaders,
): Promise<NodeAnswer> {
  const answer = new Promise<NodeAnswer>((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined, waitForTrailers: trailers !== undefined })
    const pieces: Buffer[] = []
    const hints: http2.IncomingHttpHeaders[] = []
    let head: http2.IncomingHttpHeaders = {}
    let tail: http2.IncomingHttpHeaders = {}
    stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}))
    stream.on('headers', (each) => hints.push(each))
    stream.on('response', (each) => void (head = each))
    stream.on('trailers', (each: http2.IncomingHttpHeaders) => void (tail = each))
    stream.on('data', (piece: Buffer) => pieces.push(piece))
    stream.on('end', () => resolve({ headers: head, body: Buffer.concat(pieces), trailers: tail, hints }))
    stream.on('error', reject)
    if (body !== undefined) stream.end(body)
  })
  return within('an answer', answer)
}

test("node's client is served: many at once, large bodies both ways, trailers, hints, resets", async () => {
  const { port } = await ourServer()
  const session = http2.connect(`http://127.0.0.1:${port}`)
  closers.push(() => session.destroy())
  const answers = await Promise.all(
    Array.from({ length: 300 }, (_, index) =>
      nodeAsk(session, { ':path': `/n${index}`, 'x-index': String(index % 7) }),
    ),
  )
  answers.forEach(({ body }, index) => assert.equal(body.toString(), `/n${index} GET`))
  const [down, up, tail, hinted] = await Promise.all([
    nodeAsk(session, { ':path': '/large' }),
    nodeAsk(session, { ':path': '/sum', ':method': 'POST' }, large),
    nodeAsk(session, { ':path': '/trailers', ':method': 'POST', te: 'trailers' }, Buffer.from('x'), {
      'x-sent': 'yes',
    }),
    nodeAsk(session, { ':path': '/hints' }),
  ])
  assert.equal(sum(down.body), sum(large))
  assert.equal(up.body.toString(), sum(large))
  assert.equal(tail.trailers['x-seen'], 'x-sent: yes')
  assert.equal(hinted.hints[0]?.['link'], '</a.css>; rel=preload')
  await assert.rejects(nodeAsk(session, { ':path': '/reset' }), /INTERNAL_ERROR/)
  const head = await nodeAsk(session, { ':path': '/head', ':method': 'HEAD' })
  assert.equal(head.headers['content-length'], '7')
})

test("a drain lets node's client finish, and closes", async () => {
  // Not by looking now and then: the request may be over between two looks.
  const { port } = await ourServer((connection) => connection?.drain())
  const session = http2.connect(`http://127.0.0.1:${port}`)
  const closed = once(session, 'close')
  const answer = await nodeAsk(session, { ':path': '/sum', ':method': 'POST' }, large)
  assert.equal(answer.body.toString(), sum(large))
  await closed
})

test('a client that aborts is told of at once', async () => {
  const { port, connections } = await ourServer()
  const session = http2.connect(`http://127.0.0.1:${port}`)
  closers.push(() => session.destroy())
  const stream = session.request({ ':path': '/never' })
  stream.on('error', () => {})
  await until(() => connections[0] !== undefined && !connections[0].idle, 'a request')
  stream.close(http2.constants.NGHTTP2_CANCEL)
  await until(() => connections[0]?.idle === true, 'the end of the stream')
})

/** An answer as our client sees it. */
class WholeAnswer implements ResponseReceiver {
  status = 0
  lines: string[] = []
  pieces: Buffer[] = []
  informational: number[] = []
  trailers: string[] = []
  failure: ResponseFailure | undefined = undefined
  ended = false
  writer: BodyWriter | undefined = undefined

  onInformational(head: MessageHead): void {
    this.informational.push(head.status)
  }
  onHead(head: MessageHead, _body: BodyExtent): void {
    this.status = head.status
    this.lines = linesOf(head)
  }
  onData(bytes: Buffer, start: number, end: number): void {
    this.pieces.push(Buffer.from(bytes.subarray(start, end)))
  }
  onEnd(trailers: MessageHead | undefined): void {
    this.trailers = trailers === undefined ? [] : linesOf(trailers)
    this.ended = true
  }
  onFlush(): void {}
  onWritable(): void {
    this.writer?.go()
  }
  onFailure(failure: ResponseFailure): void {
    this.failure = failure
  }
  get body(): Buffer {
    return Buffer.concat(this.pieces)
  }
}

async function ourClient(
  port: number,
): Promise<{ readonly connection: H2ClientConnection; readonly draining: () => boolean }> {
  const transport = await new Promise<Transport>((resolve, reject) => {
    nodeNet.connect({ host: '127.0.0.1', port }, resolve, ({ detail }) => reject(new Error(detail)))
  })
  let draining = false
  const owner = { idleMs: () => 0, onRoom() {}, onDraining: () => void (draining = true), onClosed() {} }
  const connection = new H2ClientConnection(transport, owner, shared, defaultH2Options)
  connection.start()
  closers.push(() => transport.destroy())
  return { connection, draining: () => draining }
}

function ourAsk(connection: H2ClientConnection, path: string, request: Partial<OutgoingRequest> = {}, body?: Buffer) {
  const stream = connection.open()
  const answer = new WholeAnswer()
  const head = answerHead(0, [['accept', '*/*']])
  stream.begin(answer, {
    ...{ method: 'GET', path, authority: 'a.example', scheme: 'http', upgrade: undefined, head, extra: [] },
    ...{ body: body === undefined ? ('none' as const) : ('unknown' as const) },
    ...request,
  })
  if (body !== undefined) {
    answer.writer = new BodyWriter(stream, body)
    answer.writer.go()
  }
  return { stream, answer }
}

test("node's server is asked: many at once, large bodies both ways, trailers, hints, resets, its GOAWAY", async () => {
  const sessions: http2.ServerHttp2Session[] = []
  const server = http2.createServer({ settings: { maxConcurrentStreams: 500 } })
  server.on('session', (session) => sessions.push(session))
  server.on('stream', (stream, headers) => {
    const path = headers[':path'] as string
    stream.on('error', () => {})
    if (path === '/reset') return stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
    if (path === '/refuse') return stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
    const pieces: Buffer[] = []
    stream.on('data', (piece: Buffer) => pieces.push(piece))
    stream.on('end', () => {
      if (path === '/hints') stream.additionalHeaders({ ':status': 103, link: '</a>' })
      stream.respond({ ':status': 200, 'x-path': path }, { waitForTrailers: path === '/trailers' })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': 'yes' }))
      stream.end(path === '/large' ? large : path === '/sum' ? sum(Buffer.concat(pieces)) : path)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close())
  const { connection, draining } = await ourClient((server.address() as AddressInfo).port)
  await until(() => connection.peerSettings.known, 'settings')
  assert.equal(connection.room, 500)

  const many = Array.from({ length: 300 }, (_, index) => ourAsk(connection, `/n${index}`).answer)
  await until(() => many.every(({ ended }) => ended), 'all answers')
  many.forEach(({ body }, index) => assert.equal(body.toString(), `/n${index}`))
  const down = ourAsk(connection, '/large').answer
  const up = ourAsk(connection, '/sum', { method: 'POST' }, large).answer
  const tail = ourAsk(connection, '/trailers').answer
  const hinted = ourAsk(connection, '/hints').answer
  const cut = ourAsk(connection, '/reset').answer
  const refused = ourAsk(connection, '/refuse').answer
  await until(() => [down, up, tail, hinted].every(({ ended }) => ended), 'large answers')
  assert.equal(sum(down.body), sum(large))
  assert.equal(up.body.toString(), sum(large))
  assert.deepEqual(tail.trailers, ['x-sum: yes'])
  assert.deepEqual(hinted.informational, [103])
  await until(() => cut.failure !== undefined && refused.failure !== undefined, 'resets')
  assert.deepEqual([cut.failure?.kind, refused.failure?.kind], ['reset', 'refused'])
  sessions[0]?.close()
  await until(draining, 'GOAWAY')
  assert.equal(connection.room, 0)
})

test('a reader that stops holds a window, not the body', async () => {
  const server = http2.createServer()
  let sent = 0
  server.on('stream', (stream) => {
    stream.on('error', () => {})
    stream.respond({ ':status': 200 })
    const more = (): void => {
      do sent += 65_536
      while (sent < 200 * 1024 * 1024 && stream.write(Buffer.alloc(65_536)))
    }
    stream.on('drain', more)
    more()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close())
  const { connection } = await ourClient((server.address() as AddressInfo).port)
  const { stream, answer } = ourAsk(connection, '/')
  stream.pauseResponse()
  await until(() => answer.status === 200, 'the head')
  await atRest(() => sent, 'what the server sends')
  assert.equal(answer.pieces.length, 0)
  assert.ok(sent < 1024 * 1024, `${sent} bytes were taken`)
  stream.resumeResponse()
  await until(() => answer.body.length > 10 * 1024 * 1024, 'the rest')
  stream.abandon()
})

test('our client and our server understand each other, trailers and large bodies included', async () => {
  const { port } = await ourServer()
  const { connection } = await ourClient(port)
  const down = Array.from({ length: 5 }, () => ourAsk(connection, '/large').answer)
  const up = Array.from({ length: 5 }, () => ourAsk(connection, '/sum', { method: 'POST' }, large).answer)
  await until(() => [...down, ...up].every(({ ended }) => ended), 'all')
  for (const { body } of down) assert.equal(sum(body), sum(large))
  for (const { body } of up) assert.equal(body.toString(), sum(large))
})

const run = promisify(execFile)

test('curl by prior knowledge: a page, an upload, a large download', { skip: missingPeers('curl') }, async () => {
  const { port } = await ourServer()
  const url = `http://127.0.0.1:${port}`
  const page = await run('curl', [
    '-sS',
    '--http2-prior-knowledge',
    `${url}/a?b=c`,
    '-w',
    '%{http_version} %{http_code}',
  ])
  assert.equal(page.stdout, '/a?b=c GET2 200')
  const upload = await run('sh', [
    '-c',
    `head -c 5000000 /dev/zero | curl -sS --http2-prior-knowledge --data-binary @- ${url}/sum`,
  ])
  assert.equal(upload.stdout, sum(Buffer.alloc(5_000_000)))
  const download = await run('sh', ['-c', `curl -sS --http2-prior-knowledge ${url}/large | sha256sum`])
  assert.equal(download.stdout.slice(0, 64), sum(large))
})

test('nghttp: several at once, with its priorities and padding', { skip: missingPeers('nghttp') }, async () => {
  const { port } = await ourServer()
  const url = `http://127.0.0.1:${port}`
  const { stdout } = await run('nghttp', ['-ns', '-b', '255', `${url}/a`, `${url}/b`, `${url}/large`])
  assert.equal(stdout.match(/ 200 /g)?.length, 3, stdout)
})

test('h2load: every request succeeds', { skip: missingPeers('h2load') }, async () => {
  const { port } = await ourServer()
  const { stdout } = await run('h2load', ['-n', '20000', '-c', '20', '-m', '50', `http://127.0.0.1:${port}/x`])
  assert.match(stdout, /20000 succeeded, 0 failed, 0 errored, 0 timeout/)
})
