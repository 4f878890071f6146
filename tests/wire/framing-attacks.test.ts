// Framing attacks on a real proxy over real sockets; each also cut at every byte.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { after, before, test } from 'node:test'
import { once } from '@weft/testkit/once'
import { type FramingCase, framingCases } from './framing-corpus.ts'
import { everythingTo, httpListener, type ProxyUnderTest, startProxy, staticCluster } from './proxy-under-test.ts'

/** Whole requests as Node's own strict parser takes them: a reader that is not ours. */
let taken: string[] = []
const unreadable: string[] = []
const backend = createServer((request, response) => {
  let body = ''
  request.setEncoding('latin1')
  request.on('data', (piece: string) => {
    body += piece
  })
  request.on('end', () => {
    taken.push(`${request.method} ${request.url} ${request.headers.host}${body === '' ? '' : ` ${body}`}`)
    response.writeHead(200, { 'content-length': '2' }).end('ok')
  })
})
let proxy: ProxyUnderTest

before(async () => {
  backend.on('clientError', (error: Error & { code?: string }, socket) => {
    if (error.code?.startsWith('HPE_') === true && error.code !== 'HPE_INVALID_EOF_STATE') unreadable.push(error.code)
    socket.destroy()
  })
  backend.listen(0, '127.0.0.1')
  await once(backend, 'listening')
  proxy = await startProxy({
    listeners: [
      httpListener('in', everythingTo('b'), { codecType: 'HTTP1', upgradeConfigs: [{ upgradeType: 'CONNECT' }] }),
    ],
    clusters: [staticCluster('b', [(backend.address() as AddressInfo).port])],
  })
})

after(async () => {
  await proxy.close()
  backend.closeAllConnections()
  backend.close()
})

/** Sends pieces, each in turns of the event loop of its own, and reads until the proxy closes. */
async function send(pieces: readonly string[], ends: boolean): Promise<string> {
  const socket = connect({ port: proxy.portOf('in'), host: '127.0.0.1', noDelay: true })
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => {})
  socket.setTimeout(30_000, () => {
    text += '(no end)'
    socket.destroy()
  })
  const over = new Promise((resolve) => socket.on('close', resolve))
  await once(socket, 'connect')
  for (const piece of pieces) {
    if (pieces.length > 1) await turn().then(() => turn())
    if (socket.writable) socket.write(piece, 'latin1')
  }
  if (ends) socket.end()
  await over
  return text
}

/** Statuses of a stream of answers, each with a length; fails when anything else is in it. */
function statuses(text: string): number[] {
  const found: number[] = []
  let rest = text
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n')
    const line = /^HTTP\/1\.1 (\d{3}) /.exec(rest)
    assert.ok(line !== null && end > 0, `not an answer: ${JSON.stringify(rest)}`)
    found.push(Number(line[1]))
    const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(rest.slice(0, end + 2))?.[1] ?? 0)
    rest = rest.slice(end + 4 + length)
  }
  return found
}

/** Where a message is cut: everywhere; where it is long, at its ends and here and there. */
function cuts(length: number): number[] {
  const all = Array.from({ length: length - 1 }, (_, at) => at + 1)
  return length <= 600 ? all : all.filter((at) => at < 100 || at > length - 60 || at % 1_999 === 0)
}

async function play({ bytes, answers, upstream = [], ends = false }: FramingCase): Promise<void> {
  const ways = [
    [bytes],
    ...cuts(bytes.length).map((at) => [bytes.slice(0, at), bytes.slice(at)]),
    ...(bytes.length <= 600 ? [bytes.split('')] : []),
  ]
  taken = []
  unreadable.length = 0
  const results = await Promise.all(ways.map((pieces) => send(pieces, ends)))
  for (const [at, text] of results.entries()) {
    assert.deepEqual(
      statuses(text),
      answers,
      `sent as ${ways[at]?.length} pieces, the first of ${ways[at]?.[0]?.length}`,
    )
  }
  const wanted = ways.flatMap(() => upstream)
  assert.deepEqual(taken.sort(), wanted.sort(), 'what the upstream took for requests')
  assert.deepEqual(unreadable, [], 'what the upstream could not read')
}

for (const each of framingCases) test(each.name, { timeout: 60_000 }, () => play(each))

test('after all of them the proxy serves, and holds no connection', async () => {
  taken = []
  assert.deepEqual(statuses(await send(['GET /a HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n'], false)), [200])
  assert.deepEqual(taken, ['GET /a shop'])
  for (let turns = 0; proxy.openConnections() > 0 && turns < 1_000; turns++) await turn()
  assert.equal(proxy.openConnections(), 0)
})
