import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simRuntime } from '@weft/testkit'
import { ConfigStore } from '../config/config-store.ts'
import { adminHandler, publicHandler } from './admin.ts'
import type { ProxyView } from './proxy-view.ts'
import { listenSmall } from './small-http-server.ts'

function makeAdmin() {
  const { world, runtime } = simRuntime(1)
  const state = { readiness: 'PRE_INITIALIZING' as ReturnType<ProxyView['readiness']>, drained: 0, quit: 0 }
  const store = new ConfigStore(runtime, new Map(), new Set(), {
    onConfig() {},
    onEndpoints() {},
    onReferences() {},
    onAccepted() {},
  })
  const view: ProxyView = {
    store,
    readiness: () => state.readiness,
    serverInfo: () => ({ instance: 'web-0' }),
    addresses: () => [{ listener: 'in', address: '127.66.0.1:8080', state: 'failed', error: 'EADDRINUSE' }],
    certificates: () => ({ certificates: [{ name: 'default', serial: '0a' }] }),
    controlPlane: () => ({ connected: false, lastError: 'connection refused' }),
    persistence: () => ({ error: 'ENOSPC: no space left on device' }),
    hostsOf: () => [],
    connectionCount: () => 3,
    renderMetrics: () => '# TYPE a counter\na 1\n',
    renderStats: () => 'a: 1\n',
  }
  const actions = {
    drain: () => {
      state.drained++
    },
    quit: () => {
      state.quit++
    },
  }
  const exchange = async (request: string, options: { port?: number; from?: string } = {}): Promise<string> => {
    let answer = ''
    world.runtimeOf('client').net.connect(
      { host: '127.66.0.1', port: options.port ?? 15000, localAddress: options.from ?? '127.0.0.1' },
      (transport) => {
        transport.handler = {
          onData: (chunk) => {
            answer += chunk.toString()
          },
          onEnd: () => transport.end(),
          onDrain() {},
          onClose() {},
        }
        transport.resume()
        transport.writeLatin1(request)
      },
      (close) => {
        answer = close.reason
      },
    )
    await world.clock.advance(50)
    return answer
  }
  const start = async (): Promise<void> => {
    await listenSmall(runtime, { host: '127.66.0.1', port: 15000 }, adminHandler(view, actions))
    await listenSmall(runtime, { host: '127.66.0.1', port: 15020 }, publicHandler(view))
  }
  return { world, state, start, exchange }
}

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n${more}\r\n`
const post = (path: string, more = ''): string => `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n${more}\r\n`

test('readiness is 503 until everything is there', async () => {
  const { start, exchange, state } = makeAdmin()
  await start()
  assert.match(await exchange(get('/ready')), /^HTTP\/1\.1 503 [^]*PRE_INITIALIZING\n$/)
  state.readiness = 'LIVE'
  assert.match(await exchange(get('/healthz/ready'), { port: 15020 }), /^HTTP\/1\.1 200 [^]*LIVE\n$/)
})

test('the configuration page tells the state of the control plane, of the disk and of the ports', async () => {
  const { start, exchange } = makeAdmin()
  await start()
  const answer = await exchange(get('/config_dump'))
  const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as Record<string, unknown>
  assert.deepEqual(body['control'], { connected: false, lastError: 'connection refused' })
  assert.deepEqual(body['persistence'], { error: 'ENOSPC: no space left on device' })
  const brief = await exchange(get('/server_info'))
  const info = JSON.parse(brief.slice(brief.indexOf('\r\n\r\n'))) as Record<string, unknown>
  assert.deepEqual(info['persistence'], body['persistence'])
  assert.deepEqual([info['warming'], info['unlisted']], [[], []])
  const taken = { listener: 'in', address: '127.66.0.1:8080', state: 'failed', error: 'EADDRINUSE' }
  assert.deepEqual(info['unbound'], [taken], 'what does not listen is told in brief, too')
  assert.match(await exchange(get('/listeners')), /EADDRINUSE/)
  assert.match(await exchange(get('/metrics'), { port: 15020 }), /a 1\n$/)
})

test('of the configuration page a mask gives the parts it names, and a part that is not there is refused by name', async () => {
  const { start, exchange } = makeAdmin()
  await start()
  const answer = await exchange(get('/config_dump?mask=versions,state'))
  const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as Record<string, unknown>
  assert.deepEqual(Object.keys(body), ['versions', 'state'])
  assert.equal(body['state'], 'PRE_INITIALIZING')
  for (const mask of ['version', 'versions,,state', ''])
    assert.match(await exchange(get(`/config_dump?mask=${mask}`)), /^HTTP\/1\.1 400 [^]*there are node, state, /)
})

test('only a POST from loopback, and not one of a web page, drains or ends the proxy', async () => {
  const { start, exchange, state } = makeAdmin()
  await start()
  assert.match(await exchange(get('/drain')), /^HTTP\/1\.1 405/)
  assert.match(await exchange(post('/drain'), { from: '10.0.0.7' }), /^HTTP\/1\.1 403/)
  assert.match(await exchange(post('/quitquitquit', 'origin: http://evil.example\r\n')), /^HTTP\/1\.1 403/)
  assert.deepEqual([state.drained, state.quit], [0, 0])
  assert.match(await exchange(post('/drain')), /^HTTP\/1\.1 202 [^]*"connections": 3/)
  assert.match(await exchange(post('/quitquitquit')), /^HTTP\/1\.1 202/)
  assert.deepEqual([state.drained, state.quit], [1, 1])
})

test('the public port shows metrics and readiness and nothing else', async () => {
  const { start, exchange, state } = makeAdmin()
  await start()
  assert.match(await exchange(get('/config_dump'), { port: 15020 }), /^HTTP\/1\.1 404/)
  assert.match(await exchange(post('/drain'), { port: 15020 }), /^HTTP\/1\.1 404/)
  assert.equal(state.drained, 0)
})

test('what is not HTTP, too long, or never finished is turned away', async () => {
  const { start, exchange, world } = makeAdmin()
  await start()
  assert.match(await exchange('hello\r\n\r\n'), /^HTTP\/1\.1 400/)
  assert.match(await exchange(`GET /${'a'.repeat(9_000)}`), /^HTTP\/1\.1 431/)
  assert.equal(await exchange('GET /ready'), '')
  assert.equal(world.network.connectionsOf('client'), 1)
  await world.clock.advance(11_000)
  assert.equal(world.network.connectionsOf('client'), 0)
})

test('HEAD has the length of the page and no body', async () => {
  const { start, exchange } = makeAdmin()
  await start()
  assert.match(await exchange('HEAD /stats HTTP/1.1\r\nhost: x\r\n\r\n'), /content-length: 5[^]*\r\n\r\n$/)
})
