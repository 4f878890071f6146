// Authorizers that HTTPRoutes ask first, asked by a real Envoy: over HTTP and gRPC, for one arm of a split, and when nobody answers.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { before, describe, test } from 'node:test'
import { skipWithoutEnvoy } from '../envoy-on-path.ts'
import { startedMesh } from './mesh-suites.ts'
import { type Answer, http } from './plain-clients.ts'
import { gatewayWorkload, served, service, workload } from './mesh-texts.ts'

const base = `${served('catalog')}${served('orders')}
${workload('judge', { more: 'proxy: none', ports: '{ name: http, port: 9000 }, { name: grpc, port: 9001 }' })}
${service('judge', { ports: '{ name: http, port: 9000 }, { name: other, port: 9001 }, { name: http-nobody, port: 9002 }' })}
${gatewayWorkload('edge', 'gateway.networking.k8s.io/gateway-name: edge')}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: shop }
spec:
  gatewayClassName: weft
  listeners: [{ name: http, protocol: HTTP, port: 8080 }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: guarded, namespace: shop }
spec:
  parentRefs: [{ name: edge }]
  rules:
    - matches: [{ path: { value: /http } }]
      filters: [{ type: ExternalAuth, externalAuth: { protocol: HTTP, backendRef: { name: judge, port: 9000 }, http: { path: /check, allowedHeaders: [x-user], allowedResponseHeaders: [x-judged] }, forwardBody: { maxSize: 4 } } }]
      backendRefs: [{ name: catalog, port: 80 }]
    - matches: [{ path: { value: /all-headers } }]
      filters: [{ type: ExternalAuth, externalAuth: { protocol: HTTP, backendRef: { name: judge, port: 9000 }, http: { allowedHeaders: [x-user] } } }]
      backendRefs: [{ name: catalog, port: 80 }]
    - matches: [{ path: { value: /grpc } }]
      filters: [{ type: ExternalAuth, externalAuth: { protocol: GRPC, backendRef: { name: judge, port: 9001 }, grpc: { allowedHeaders: [x-user] } } }]
      backendRefs: [{ name: catalog, port: 80 }]
    - matches: [{ path: { value: /split } }]
      backendRefs:
        - { name: catalog, port: 80 }
        - name: orders
          port: 80
          filters: [{ type: ExternalAuth, externalAuth: { protocol: HTTP, backendRef: { name: judge, port: 9000 }, http: { allowedHeaders: [x-user] } } }]
    - matches: [{ path: { value: /nobody } }]
      filters: [{ type: ExternalAuth, externalAuth: { protocol: HTTP, backendRef: { name: judge, port: 9002 }, http: {} } }]
      backendRefs: [{ name: catalog, port: 80 }]
    - backendRefs: [{ name: catalog, port: 80 }]
`

interface Asked {
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

describe('authorizers of HTTPRoutes on a real Envoy', { skip: skipWithoutEnvoy }, () => {
  const mesh = startedMesh({ base })
  const asked: Asked[] = []
  const calls: string[] = []

  before(async () => {
    const { appAddress: host } = mesh.instance('judge-0')
    const judge = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        const { url = '', headers } = request
        asked.push({ url, headers, body })
        const allowed = headers['x-user'] === 'ann'
        response.writeHead(allowed ? 200 : 401, {
          'x-judged': 'by-judge',
          'x-more': 'more',
          'content-type': 'text/odd',
        })
        response.end(allowed ? 'ok' : 'who are you?')
      })
    })
    const grpc = createHttp2Server((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const message = Buffer.concat(chunks).toString('latin1')
        calls.push(message)
        response.writeHead(200, { 'content-type': 'application/grpc' })
        response.addTrailers({ 'grpc-status': '0' })
        // CheckResponse.status.code: 0, or 7 (PERMISSION_DENIED).
        const status = message.includes('ann') ? [] : [0x0a, 0x02, 0x08, 0x07]
        response.end(Buffer.from([0, 0, 0, 0, status.length, ...status]))
      })
    })
    await mesh.serve(judge, { host, port: 9000 })
    await mesh.serve(grpc, { host, port: 9001 })
  })

  function get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return http({ ...mesh.at('edge-0', 8080), path, headers: { host: 'shop.example', ...headers } })
  }

  test('an authorizer over HTTP sees path, named headers and the body, and what it says decides', async () => {
    const allowed = await get('/http/a?b=c', { 'x-user': 'ann', 'x-secret': 'hidden' })
    assert.equal(allowed.status, 200)
    const [question] = asked.splice(0)
    assert.equal(question?.url, '/check/http/a?b=c')
    assert.equal(question?.headers['x-user'], 'ann')
    assert.equal(question?.headers['x-secret'], undefined)
    const seen = mesh.seen.at(-1)
    assert.equal(seen?.headers['x-judged'], 'by-judge')
    assert.equal(seen?.headers['x-more'], undefined)
    const before = mesh.seen.length
    const denied = await get('/http', { 'x-user': 'bob' })
    assert.deepEqual([denied.status, denied.body], [401, 'who are you?'])
    assert.equal(mesh.seen.length, before, 'the backend saw what was denied')
  })

  test('of a body the authorizer sees as much as was asked for, and the backend all of it', async () => {
    asked.length = 0
    const { address } = mesh.instance('edge-0')
    const answer = await fetch(`http://${address}:8080/http`, {
      method: 'POST',
      body: '123456789',
      headers: { 'x-user': 'ann' },
      signal: AbortSignal.timeout(10_000),
    })
    assert.equal(answer.status, 200)
    assert.equal(asked[0]?.body, '1234')
    assert.equal(mesh.seen.at(-1)?.headers['content-length'], '9')
  })

  test('without a list all headers of the answer go to the backend, but none that speak of the answer itself', async () => {
    assert.equal((await get('/all-headers', { 'x-user': 'ann', 'content-type': 'text/mine' })).status, 200)
    const headers = mesh.seen.at(-1)?.headers
    assert.deepEqual([headers?.['x-judged'], headers?.['x-more']], ['by-judge', 'more'])
    assert.deepEqual([headers?.['content-type'], headers?.['content-length']], ['text/mine', undefined])
  })

  test('an authorizer over gRPC sees the named headers alone, and what it says decides', async () => {
    assert.equal((await get('/grpc', { 'x-user': 'ann', 'x-secret': 'hidden' })).status, 200)
    assert.equal((await get('/grpc', { 'x-user': 'bob' })).status, 403)
    assert.equal(calls.length, 2)
    assert.ok(calls[0]?.includes('x-user') && !calls[0].includes('hidden'))
  })

  test('in a split only the arm that asks is judged', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, () => get('/split', { 'x-user': 'bob' })))
    const seen = new Set(answers.map(({ status, body }) => `${status} ${body}`))
    assert.deepEqual([...seen].sort(), ['200 catalog-0', '401 who are you?'])
    const allowed = await Promise.all(Array.from({ length: 60 }, () => get('/split', { 'x-user': 'ann' })))
    assert.deepEqual([...new Set(allowed.map(({ body }) => body))].sort(), ['catalog-0', 'orders-0'])
  })

  test('other rules ask nobody', async () => {
    asked.length = 0
    assert.equal((await get('/open')).status, 200)
    assert.deepEqual(asked, [])
  })

  test('nobody passes while the authorizer does not answer', async () => {
    const before = mesh.seen.length
    assert.equal((await get('/nobody', { 'x-user': 'ann' })).status, 403)
    assert.equal(mesh.seen.length, before)
  })
})
