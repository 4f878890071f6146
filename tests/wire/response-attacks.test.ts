// A hostile upstream: what it says wrongly becomes a 502 or a cut answer, and never the answer to another request.
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { after, afterEach, before, test } from 'node:test'
import { once } from '@weft/testkit/once'
import { within } from '@weft/testkit/within'
import { everythingTo, httpListener, type ProxyUnderTest, startProxy, staticCluster } from './proxy-under-test.ts'
import { type RawBackend, rawBackend } from './raw-http.ts'

const good = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood'
const poison = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'

/** What `/evil` is answered with, in pieces; then the connection ends when `ends`. */
let evil: { readonly pieces: readonly string[]; readonly ends: boolean } = { pieces: [], ends: false }
let evilDone: Promise<void> = Promise.resolve()
let backend: RawBackend
let proxy: ProxyUnderTest

before(async () => {
  const answered = new Map<Socket, number>()
  backend = await rawBackend((socket, text) => {
    const heads = text.split('\r\n\r\n').slice(0, -1)
    for (const head of heads.slice(answered.get(socket) ?? 0)) {
      if (/^[A-Z]+ \/evil/.test(head)) evilDone = answerEvil(socket)
      else socket.write(good)
    }
    answered.set(socket, heads.length)
  })
  proxy = await startProxy({
    listeners: [httpListener('in', everythingTo('b'))],
    clusters: [staticCluster('b', [backend.port])],
  })
})

afterEach(() => evilDone)

after(async () => {
  await proxy.close()
  await backend.close()
})

async function answerEvil(socket: Socket): Promise<void> {
  const { pieces, ends } = evil
  socket.setNoDelay(true)
  for (const piece of pieces) {
    if (pieces.length > 1) await turn().then(() => turn())
    if (socket.writable) socket.write(piece, 'latin1')
  }
  if (ends) socket.end()
}

interface Answer {
  readonly status: number
  readonly body: string
  /** False: the connection ended before the answer did. */
  readonly whole: boolean
}

/** Reads answers off a connection one by one, as their own framing says. */
class Client {
  readonly #socket = connect({ port: proxy.portOf('in'), host: '127.0.0.1', noDelay: true })
  #text = ''
  #over = false
  #wake = (): void => {}

  constructor() {
    this.#socket.on('data', (chunk) => {
      this.#text += chunk.toString('latin1')
      this.#wake()
    })
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      this.#over = true
      this.#wake()
    })
  }

  send(text: string): void {
    this.#socket.write(text)
  }

  get over(): boolean {
    return this.#over
  }

  async answer(method = 'GET'): Promise<Answer> {
    for (;;) {
      const answer = this.#take(method)
      if (answer !== undefined) return answer
      if (this.#over) return { status: Number(this.#text.slice(9, 12)), body: this.#text, whole: false }
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      await within('more of an answer', woken)
    }
  }

  #take(method: string): Answer | undefined {
    const end = this.#text.indexOf('\r\n\r\n') + 4
    if (end < 4) return undefined
    const head = this.#text.slice(0, end)
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1])
    const take = (bodyEnd: number, body: string): Answer => {
      this.#text = this.#text.slice(bodyEnd)
      return { status, body, whole: true }
    }
    if (status < 200) {
      this.#text = this.#text.slice(end)
      return this.#take(method)
    }
    if (method === 'HEAD' || status === 204 || status === 304) return take(end, '')
    if (/\r\ntransfer-encoding: chunked\r\n/i.test(head)) {
      const chunks = readChunks(this.#text, end)
      return chunks === undefined ? undefined : take(chunks.end, chunks.body)
    }
    const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1])
    return this.#text.length < end + length ? undefined : take(end + length, this.#text.slice(end, end + length))
  }

  async close(): Promise<void> {
    this.#socket.destroy()
    if (!this.#over) await once(this.#socket, 'close')
  }
}

/** Reads a chunked body that begins at `start`; undefined while it is not whole. */
function readChunks(text: string, start: number): { body: string; end: number } | undefined {
  let body = ''
  for (let at = start; ; ) {
    const line = text.indexOf('\r\n', at)
    if (line < 0) return undefined
    const size = Number.parseInt(text.slice(at, line), 16)
    assert.ok(size >= 0, `a chunk size: ${JSON.stringify(text.slice(at, line))}`)
    const end = line + 2 + size + 2
    if (text.length < end) return undefined
    assert.equal(text.slice(end - 2, end), '\r\n')
    body += text.slice(line + 2, line + 2 + size)
    if (size === 0) return { body, end }
    at = end
  }
}

const request = (path: string, method = 'GET'): string => `${method} ${path} HTTP/1.1\r\nHost: shop\r\n\r\n`

/** Every way to send `text`: whole, cut at each byte (what follows the poison's first ones is not told apart), byte by byte. */
function ways(text: string): string[][] {
  if (text.length > 1_000) return [[text], [text.slice(0, 700), text.slice(700)]]
  const last = text.endsWith(poison) ? text.length - poison.length + 3 : text.length - 1
  const cut = Array.from({ length: last }, (_, at) => [text.slice(0, at + 1), text.slice(at + 1)])
  return [[text], ...cut, text.split('')]
}

/** `cut`: the connection ends before the answer does; its beginning may or may not have been seen. */
type Expected = 'cut' | { readonly status: number; readonly body?: RegExp }

async function play(text: string, expected: Expected, { ends = false, method = 'GET' } = {}): Promise<void> {
  for (const pieces of ways(text)) {
    evil = { pieces, ends }
    const how = `sent as ${pieces.length} pieces, the first of ${pieces[0]?.length}`
    const client = new Client()
    client.send(request('/evil', method))
    const answer = await client.answer(method)
    assert.equal(answer.whole, expected !== 'cut', how)
    if (expected !== 'cut') {
      assert.equal(answer.status, expected.status, how)
      if (expected.body !== undefined) assert.match(answer.body, expected.body, how)
    }
    await evilDone
    await turn()
    await turn()
    const next = client.over ? new Client() : client
    next.send(request('/next'))
    assert.deepEqual(await next.answer(), { status: 200, body: 'good', whole: true }, `the next request, ${how}`)
    await client.close()
    await next.close()
  }
}

const ok = 'HTTP/1.1 200 OK\r\n'
const length = 'Content-Length: 4\r\n'
const chunked = 'Transfer-Encoding: chunked\r\n'

const unusable: Record<string, string> = {
  'both lengths': `${ok}${length}${chunked}\r\n0\r\n\r\n${poison}`,
  'both lengths the other way round': `${ok}${chunked}${length}\r\n0\r\n\r\n${poison}`,
  'two lengths': `${ok}${length}Content-Length: 5\r\n\r\nevil${poison}`,
  'a list of lengths': `${ok}Content-Length: 4, 4\r\n\r\nevil${poison}`,
  'a negative length': `${ok}Content-Length: -4\r\n\r\nevil${poison}`,
  'a length that overflows': `${ok}Content-Length: 18446744073709551620\r\n\r\nevil${poison}`,
  'a length of letters': `${ok}Content-Length: four\r\n\r\nevil${poison}`,
  'an unknown coding': `${ok}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${poison}`,
  'a coding behind chunked': `${ok}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${poison}`,
  'a coding in HTTP/1.0': `HTTP/1.0 200 OK\r\n${chunked}\r\n0\r\n\r\n${poison}`,
  'a space before the colon': `${ok}Content-Length : 4\r\n\r\nevil${poison}`,
  'a folded header': `${ok}X: y\r\n ${length}\r\nevil${poison}`,
  'bare LF': `HTTP/1.1 200 OK\nContent-Length: 4\n\nevil${poison}`,
  'a bare CR in a value': `${ok}X: y\rSet-Cookie: evil\r\n${length}\r\nevil`,
  'a bare LF in a value': `${ok}X: y\nSet-Cookie: evil\r\n${length}\r\nevil`,
  'NUL in a value': `${ok}X: \x00\r\n${length}\r\nevil`,
  'NUL in the reason': `HTTP/1.1 200 O\x00K\r\n${length}\r\nevil`,
  'a header without a colon': `${ok}nonsense\r\n${length}\r\nevil`,
  'HTTP/0.9': 'evil\r\n',
  'HTTP/2': `HTTP/2.0 200 OK\r\n${length}\r\nevil`,
  'a status of two digits': `HTTP/1.1 20 OK\r\n${length}\r\nevil`,
  'a status of four digits': `HTTP/1.1 2000 OK\r\n${length}\r\nevil`,
  'a status nobody knows': `HTTP/1.1 999 OK\r\n${length}\r\nevil`,
  'an upgrade nobody asked for': `HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\n\r\n${poison}`,
  'a length on 100': `HTTP/1.1 100 Continue\r\n${length}${chunked}\r\n${poison}`,
  'a body on 204': `HTTP/1.1 204 No Content\r\n${length}${chunked}\r\nevil${poison}`,
  'more informational answers than anyone sends': `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(200)}${good}`,
  'a head without end': `${ok}X: ${'x'.repeat(90_000)}`,
  'too many headers': `${ok}${'X: y\r\n'.repeat(300)}\r\n`,
}
for (const [name, text] of Object.entries(unusable)) {
  test(`an answer with ${name} is a 502`, { timeout: 60_000 }, () =>
    play(text, { status: 502, body: /reset reason: protocol error/ }),
  )
}

const badChunks: Record<string, string> = {
  'a size of letters': `4\r\nevil\r\nxyz\r\n${poison}`,
  'a size that overflows': `4\r\nevil\r\nfffffffffffffffff\r\n${poison}`,
  'a negative size': `4\r\nevil\r\n-1\r\n${poison}`,
  'a chunk longer than its size': `4\r\nevilevil\r\n0\r\n\r\n${poison}`,
  'a chunk that ends in LF': `4\r\nevil\n0\r\n\r\n${poison}`,
  'a bad trailer': `4\r\nevil\r\n0\r\nnonsense\r\n\r\n${poison}`,
}
for (const [name, body] of Object.entries(badChunks)) {
  test(`a body with ${name} is cut off`, { timeout: 60_000 }, () => play(`${ok}${chunked}\r\n${body}`, 'cut'))
}

test('an answer that stops early is cut off, or a 502 when its head did not arrive', { timeout: 60_000 }, async () => {
  await play(`${ok}Content-Length: 40\r\n\r\nevil`, 'cut', { ends: true })
  await play(`${ok}${chunked}\r\n4\r\nevil\r\n`, 'cut', { ends: true })
  await play(`${ok}Content-Le`, { status: 502, body: /protocol error/ }, { ends: true })
})

test('bytes behind an answer never answer the next request', { timeout: 60_000 }, async () => {
  await play(`${ok}${length}\r\nfine${poison}`, { status: 200, body: /^fine$/ })
  await play(`${ok}${chunked}\r\n4\r\nfine\r\n0\r\n\r\n${poison}`, { status: 200, body: /fine/ })
  await play(`HTTP/1.1 204 No Content\r\n\r\n${poison}`, { status: 204 })
  await play(`HTTP/1.1 304 Not Modified\r\n${length}\r\n${poison}`, { status: 304 })
  await play(`${ok}${length}\r\n${poison}`, { status: 200 }, { method: 'HEAD' })
})

test('an answer until the end of the connection takes all there is, and the connection with it', async () => {
  await play(`${ok}\r\n${poison}`, { status: 200, body: /poison/ }, { ends: true })
})

test('a pipelined request does not get what came in one piece with the answer before', async () => {
  for (const text of [`${ok}${length}\r\nfine${poison}`, `${ok}${chunked}\r\n4\r\nfine\r\n0\r\n\r\n${poison}`]) {
    evil = { pieces: [text], ends: false }
    const client = new Client()
    client.send(request('/evil') + request('/next'))
    assert.match((await client.answer()).body, /fine/)
    assert.deepEqual(await client.answer(), { status: 200, body: 'good', whole: true })
    await client.close()
  }
})

test('a waiting request is not answered by what came in one piece with another answer', async (t) => {
  const lone = await startProxy({
    listeners: [httpListener('in', everythingTo('b'))],
    clusters: [
      staticCluster('b', [backend.port], {
        circuitBreakers: { thresholds: [{ maxConnections: 1, maxPendingRequests: 9 }] },
      }),
    ],
  })
  const usual = proxy
  proxy = lone
  t.after(async () => {
    proxy = usual
    await lone.close()
  })
  evil = { pieces: [`${ok}${length}\r\nfine${poison}`], ends: false }
  const clients = [new Client(), new Client(), new Client()]
  for (const [at, client] of clients.entries()) client.send(request(at === 0 ? '/evil' : '/next'))
  const bodies = await Promise.all(clients.map((client) => client.answer()))
  assert.deepEqual(bodies.map((answer) => answer.body).sort(), ['fine', 'good', 'good'])
  for (const client of clients) await client.close()
})

test('headers that end here do not pass, whatever they name', async () => {
  evil = {
    pieces: [
      `${ok}${length}Connection: close, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=9\r\nUpgrade: h2c\r\n\r\nfine`,
    ],
    ends: false,
  }
  const socket = connect(proxy.portOf('in'), '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.write('GET /evil HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n')
  await once(socket, 'close')
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nfine$/)
  assert.doesNotMatch(text, /x-secret|keep-alive|upgrade/i)
})
