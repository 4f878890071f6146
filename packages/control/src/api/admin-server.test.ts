import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, test } from 'node:test'
import { type AdminServer, startAdminServer } from './admin-server.ts'
import { apiClient } from './api-client.ts'

let server: AdminServer

before(async () => {
  const started = await startAdminServer('127.0.0.1', 0, [
    { path: '/v1/status', answer: () => ({ status: 200, body: { ready: true } }) },
    {
      path: '/v1/proxies/:id/resources',
      answer: (id) => ({ status: id === 'web-0.shop' ? 200 : 404, body: { error: id } }),
    },
    {
      path: '/broken',
      answer() {
        throw new Error('it broke')
      },
    },
  ])
  assert.ok(started.ok)
  server = started.value
})
after(() => server.close())

function get(path: string, options: { method?: string; host?: string } = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', host } = options
    const headers = host === undefined ? {} : { host }
    const sent = request({ host: '127.0.0.1', port: server.port, path, method, headers, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.on('error', reject)
    sent.end()
  })
}

test('answers its routes, and 404 with a list otherwise', async () => {
  assert.equal(await get('/v1/status'), 200)
  assert.equal(await get('/v1/proxies/web-0.shop/resources'), 200)
  assert.equal(await get('/v1/proxies/a/b/resources'), 404)
  assert.equal(await get('/nothing'), 404)
})

test('a path that nobody can read is told so, and is no error of ours', async () => {
  for (const path of [
    '/v1/proxies/50%/resources',
    '/v1/proxies/%zz/resources',
    '/v1/proxies/%ff/resources',
    '/%',
    '//',
  ]) {
    assert.equal(await get(path), 400, path)
  }
  assert.equal(await get('/v1/proxies/web-0%2Eshop/resources'), 200)
  const answer = await fetch(`http://127.0.0.1:${server.port}/v1/proxies/50%/resources`)
  assert.match(JSON.stringify(await answer.json()), /\/v1\/proxies\/50%\/resources is no path: .*%25 is % itself/)
})

test('reads only: other methods are refused', async () => {
  assert.equal(await get('/v1/status', { method: 'POST' }), 405)
})

test('a page that reaches loopback by another name is refused', async () => {
  assert.equal(await get('/v1/status', { host: 'evil.example' }), 403)
  assert.equal(await get('/v1/status', { host: `localhost:${server.port}` }), 200)
})

test('an error in an answer is a 500, and the server goes on', async () => {
  assert.equal(await get('/broken'), 500)
  assert.equal(await get('/v1/status'), 200)
})

test('a port in use is an error in words', async () => {
  const second = await startAdminServer('127.0.0.1', server.port, [])
  assert.ok(!second.ok)
  assert.match(second.error, /EADDRINUSE/)
})

test('the client tells what went wrong', async () => {
  const client = apiClient(`http://127.0.0.1:${server.port}`)
  assert.equal((await client.status()).ok, true)
  assert.deepEqual(await client.resources('ghost'), { ok: false, error: 'ghost' })
  const nobody = await apiClient('http://127.0.0.1:1').status()
  assert.ok(!nobody.ok && /no control plane answers/.test(nobody.error))
})
