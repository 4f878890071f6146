// curl as everyone uses it, through one proxy.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { once } from '@weft/testkit/once'
import {
  anyHost,
  everythingTo,
  httpListener,
  type ProxyUnderTest,
  startProxy,
  staticCluster,
} from '../../wire/proxy-under-test.ts'
import { speaksHttp2 } from '../protocol/what-weft-speaks.ts'
import { missingPeers, runPeer } from './peer.ts'

const skip = missingPeers('curl')
const h2 = (await speaksHttp2()) ? false : 'needs HTTP/2, which this proxy does not speak yet'
const large = Buffer.alloc(5_000_000, 'curl')
const digest = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')

const backend = createServer((request, response) => {
  if (request.url === '/large') return void response.writeHead(200, { 'content-length': large.length }).end(large)
  const hash = createHash('sha256')
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    hash.update(chunk)
  })
  request.on('end', () => {
    response.setHeader('x-bytes', String(bytes))
    response.end(`${request.method} ${request.headers.host} ${request.url} ${hash.digest('hex')}`)
  })
})
let proxy: ProxyUnderTest
let forward: ProxyUnderTest

before(async () => {
  backend.listen(0, '127.0.0.1')
  await once(backend, 'listening')
  const clusters = [staticCluster('b', [(backend.address() as AddressInfo).port])]
  proxy = await startProxy({ listeners: [httpListener('in', everythingTo('b'), { codecType: 'AUTO' })], clusters })
  const connectConfig = { upgradeType: 'CONNECT', connectConfig: {} }
  const connect = { match: { connectMatcher: {} }, route: { cluster: 'b', upgradeConfigs: [connectConfig] } }
  const routes = anyHost([connect, { match: { prefix: '/' }, route: { cluster: 'b' } }])
  const manager = { upgradeConfigs: [{ upgradeType: 'CONNECT' }] }
  forward = await startProxy({ listeners: [httpListener('out', routes, manager)], clusters })
})

after(async () => {
  await proxy.close()
  await forward.close()
  backend.closeAllConnections()
  backend.close()
})

const url = (path: string): string => `http://127.0.0.1:${proxy.portOf('in')}${path}`
const empty = digest('')

async function curl(args: readonly string[], input = ''): Promise<string> {
  const run = await runPeer('curl', ['-sS', '--max-time', '20', ...args], input)
  assert.equal(run.code, 0, run.stderr)
  return run.stdout
}

for (const [version, skipped] of [
  ['--http1.1', false],
  ['--http2-prior-knowledge', h2],
] as const) {
  const options = { skip: skip === false ? skipped : skip }
  test(`curl ${version}: GET, and several URLs over one connection of HTTP/1.1`, options, async () => {
    const host = `127.0.0.1:${proxy.portOf('in')}`
    assert.equal(await curl([version, url('/a?b=c')]), `GET ${host} /a?b=c ${empty}`)
    // This curl cannot use a connection of prior knowledge again, whoever serves it.
    if (version !== '--http1.1') return
    const several = await curl([
      version,
      '-w',
      '%{num_connects} ',
      '-o',
      '/dev/null',
      url('/1'),
      '-o',
      '/dev/null',
      url('/2'),
    ])
    assert.equal(several, '1 0 ')
  })

  test(`curl ${version}: HEAD has a length and no body`, options, async () => {
    const text = await curl([version, '-I', url('/large')])
    assert.match(text, /^HTTP\/[12](\.1)? 200/)
    assert.match(text, /content-length: 5000000/i)
  })

  test(`curl ${version}: 5 MB up, with an expectation, and in chunks`, options, async () => {
    const body = large.toString('latin1')
    const expected = await curl([version, '--data-binary', '@-', '-H', 'Expect: 100-continue', url('/up')], body)
    assert.match(expected, new RegExp(`^POST .* /up ${digest(large)}$`))
    const chunked = await curl([version, '-T', '-', '-H', 'Transfer-Encoding: chunked', url('/up')], body)
    assert.match(chunked, new RegExp(`^PUT .* /up ${digest(large)}$`))
  })

  test(`curl ${version}: 5 MB down`, options, async () => {
    assert.equal(digest(await curl([version, url('/large')])), digest(large))
  })
}

test('curl -x asks with an absolute target', { skip }, async () => {
  assert.equal(await curl(['-x', `127.0.0.1:${forward.portOf('out')}`, 'http://shop/a']), `GET shop /a ${empty}`)
})

test('curl -p tunnels by CONNECT', { skip }, async () => {
  const args = ['-p', '-x', `127.0.0.1:${forward.portOf('out')}`, 'http://shop/a']
  assert.equal(await curl(args), `GET shop /a ${empty}`)
})
