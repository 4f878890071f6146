// What the Gateway API's conformance tests ask of gateways and of a mesh, played against real Envoys and against Weft's proxies.
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { connect as connectHttp2 } from 'node:http2'
import { test } from 'node:test'
import { until } from '@weft/testkit/until'
import type { Seen } from '../interop/envoy-mesh/envoy-mesh.ts'
import { onBothPlanes, startedMesh } from '../interop/envoy-mesh/mesh-suites.ts'
import { type Answer, echo, http } from '../interop/envoy-mesh/plain-clients.ts'
import { testAuthority } from '../wire/test-certificates.ts'
import { applications, elsewhere, gatewayAndRoutes } from './gateway-api-mesh.ts'

onBothPlanes('the Gateway API, carried by', (dataPlane) => {
  let rootPem = ''
  const flaky = new Map<string, number>()
  const mesh = startedMesh(
    {
      base: `${applications}\n---\n${elsewhere}`,
      dataPlane,
      outside: true,
      app(request, response, instance) {
        const url = request.url ?? ''
        const tries = (flaky.get(url) ?? 0) + 1
        flaky.set(url, tries)
        if (url.startsWith('/flaky') && tries < 3) response.statusCode = 503
        if (url.startsWith('/slow')) return void setTimeout(() => response.end(instance), 1_500)
        return void response.end(instance)
      },
    },
    async (mesh) => {
      const authority = await testAuthority()
      rootPem = authority.rootPem
      const { certificateChainPem, privateKeyPem } = await authority.issue('a.tls.example', 'b.tls.example')
      const backend = await authority.issue('secure.example')
      mesh.options.tls = { key: backend.privateKeyPem, cert: backend.certificateChainPem }
      return gatewayAndRoutes({ certificate: certificateChainPem, key: privateKeyPem, root: rootPem })
    },
  )

  const address = (): string => mesh.instance('edge-weft-0').address
  const ask = (
    host: string,
    path: string,
    more: { readonly headers?: Record<string, string>; readonly method?: string } = {},
  ): Promise<Answer> => {
    const { headers, method = 'GET' } = more
    return http({ host: address(), port: 8080, path, method, headers: { host, ...headers } })
  }
  /** Who answered, or the status. */
  const who = async (...args: Parameters<typeof ask>): Promise<string> => {
    const { status, body } = await ask(...args)
    return status === 200 ? body : String(status)
  }
  const lastSeen = (url: string): Seen | undefined => mesh.seen.findLast((seen) => seen.url === url)

  test('matches are tried in the order of the specification, whatever the order of rules', async () => {
    const host = 'match.example'
    assert.equal(await who(host, '/one'), 'one-0')
    assert.equal(await who(host, '/one/'), 'three-0', 'an exact path is no prefix')
    assert.equal(await who(host, '/two'), 'two-0')
    assert.equal(await who(host, '/two/'), 'two-0')
    assert.equal(await who(host, '/two/x'), 'two-0')
    assert.equal(await who(host, '/twox'), 'three-0', 'prefixes are of whole segments')
    assert.equal(await who(host, '/two/one'), 'one-0', 'the longer prefix goes first')
    assert.equal(await who(host, '/b42'), 'three-0')
    assert.equal(await who(host, '/', { headers: { Version: 'two' } }), 'two-0')
    assert.equal(await who(host, '/', { headers: { Version: 'two' }, method: 'PATCH' }), 'three-0')
    assert.equal(await who(host, '/one?app=three'), 'one-0', 'a path goes before a query')
    assert.equal(await who(host, '/?app=three', { headers: { version: 'two' } }), 'two-0', 'headers go before a query')
    assert.equal(await who('unknown.example', '/one'), '404')
    assert.equal(await who(`${host}:8080`, '/one'), 'one-0', 'the port of the Host header says nothing')
  })

  test('header filters set, add and remove; values are literal', async () => {
    const answer = await ask('headers.example', '/h', {
      headers: { 'x-set': 'old', 'x-gone': 'here', 'x-add': 'some' },
    })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['x-answer'], '100%')
    const headers = lastSeen('/h')?.headers
    assert.deepEqual([headers?.['x-set'], headers?.['x-gone']], ['new', undefined])
    assert.match(String(headers?.['x-add']), /^some, ?more$/)
  })

  test('redirects name host, scheme, port and path as asked', async () => {
    const location = async (path: string): Promise<string> => {
      const { status, headers } = await ask('redirect.example', path)
      return `${status} ${headers.location}`
    }
    assert.equal(await location('/host'), '301 http://example.org:8080/host')
    assert.equal(await location('/scheme'), '302 https://example.org/scheme')
    assert.equal(await location('/port'), '307 http://example.org:8083/port')
    assert.equal(await location('/prefix/a?b=c'), '302 http://example.org/new/a?b=c')
    assert.equal(await location('/full/a'), '302 http://example.org/whole')
  })

  test('rewrites change path and host', async () => {
    const rewritten = async (path: string): Promise<string> => {
      assert.equal((await ask('rewrite.example', path)).status, 200)
      const last = mesh.seen.at(-1)
      return `${last?.headers.host} ${last?.url}`
    }
    assert.equal(await rewritten('/strip/a?b=c'), 'rewrite.example /a?b=c')
    assert.equal(await rewritten('/strip'), 'rewrite.example /')
    assert.equal(await rewritten('/prefix/a'), 'inside.example /new/a')
    assert.equal(await rewritten('/prefix'), 'inside.example /new')
    assert.equal(await rewritten('/full/a?b=c'), 'rewrite.example /whole?b=c')
    assert.equal(await rewritten('/other'), 'rewrite.example /all/other')
  })

  test('weights of zero get nothing, what leads nowhere answers 500, and other namespaces need a grant', async () => {
    const host = 'backends.example'
    for (let i = 0; i < 5; i++) assert.equal(await who(host, '/split'), 'one-0')
    assert.equal(await who(host, '/missing'), '500')
    assert.equal(await who(host, '/granted'), 'far-0')
    assert.equal(await who(host, '/forbidden'), '500')
    assert.equal(await who(host, '/extension'), '500')
    const half = new Set<string>()
    for (let i = 0; i < 40; i++) half.add(await who(host, '/half'))
    assert.deepEqual([...half].sort(), ['500', 'one-0'])
  })

  test('a request timeout answers 504, and declared retries repeat', async () => {
    assert.equal(await who('backends.example', '/slow'), '504')
    assert.equal(await who('backends.example', '/flaky'), 'one-0')
    assert.equal(flaky.get('/flaky'), 3)
  })

  test('copies of requests go to the mirror', async () => {
    assert.equal(await who('copied.example', '/copy'), 'one-0')
    await until(() => mesh.seen.some(({ instance, url }) => instance === 'two-0' && url === '/copy'))
  })

  test('a name belongs to the narrowest listener, even where that has no route', async () => {
    assert.equal(await who('a.isolated.example', '/wild'), 'one-0')
    assert.equal(await who('a.b.isolated.example', '/wild'), 'one-0')
    assert.equal(await who('narrow.isolated.example', '/narrow'), 'two-0')
    assert.equal(await who('narrow.isolated.example', '/wild'), '404')
    assert.equal(await who('a.isolated.example', '/narrow'), '404')
  })

  test('HTTPS shows the certificate, and tells requests that came by the wrong name', async () => {
    const over = async (servername: string, host: string): Promise<string> => {
      const to = { ...mesh.at('edge-weft-0', 8443), path: '/tls', headers: { host } }
      const { status, body } = await http({ ...to, tls: { servername, ca: rootPem } })
      return status === 200 ? body : String(status)
    }
    assert.equal(await over('a.tls.example', 'a.tls.example'), 'one-0')
    assert.equal(await over('b.tls.example', 'b.tls.example'), 'one-0')
    assert.equal(await over('a.tls.example', 'b.tls.example'), '421')
    assert.equal(await over('a.tls.example', 'c.tls.example'), '404')
    await assert.rejects(over('c.tls.example', 'c.tls.example'), 'no listener has the name')
  })

  test('gRPC calls are routed by service and method, and tell UNAVAILABLE where nobody is', async () => {
    const session = connectHttp2(`http://${address()}:8080`)
    const call = (path: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const headers = {
          ':method': 'POST',
          ':path': path,
          ':authority': 'grpc.example',
          'content-type': 'application/grpc',
          te: 'trailers',
        }
        const stream = session.request(headers)
        let from = ''
        stream.on('response', (head) => (from = String(head['x-instance'] ?? `status ${head['grpc-status']}`)))
        stream.on('error', reject)
        stream.on('end', () => resolve(from))
        stream.resume()
        stream.end()
      })
    try {
      assert.equal(await call('/shop.Greeter/Hello'), 'one-0')
      assert.equal(await call('/shop.Greeter/Bye'), 'two-0')
      assert.equal(await call('/other.Service/Gone'), 'status 14')
      assert.equal(await call('/other.Service/Hello'), 'status 12')
    } finally {
      session.destroy()
    }
  })

  test('a BackendTLSPolicy verifies the backend, and one that does not bear the name is not spoken to', async () => {
    assert.equal(await who('secured.example', '/trusted'), 'secure-0')
    assert.equal(await who('secured.example', '/untrusted'), '503')
  })

  test('a TLSRoute passes TLS through by name', async () => {
    const tls = { servername: 'secure.example', ca: rootPem }
    assert.equal((await http({ ...mesh.at('edge-weft-0', 8443), path: '/', tls })).body, 'secure-0')
  })

  test('a UDPRoute carries datagrams', async () => {
    const socket = createSocket('udp4')
    const echoed = await new Promise<string>((resolve) => {
      socket.on('message', (message) => resolve(message.toString()))
      socket.send('hello', 5353, address())
      setTimeout(() => resolve('no answer in time'), 5_000).unref()
    })
    socket.close()
    assert.equal(echoed, 'hello')
  })

  test('a preflight is answered at the gateway', async () => {
    const headers = { origin: 'https://a.shop.example', 'access-control-request-method': 'GET' }
    const yes = await ask('browser.example', '/', { method: 'OPTIONS', headers })
    assert.equal(yes.headers['access-control-allow-origin'], 'https://a.shop.example')
    assert.equal(yes.headers['access-control-allow-credentials'], 'true')
    assert.equal(yes.headers['access-control-max-age'], '5')
    const no = await ask('browser.example', '/', {
      method: 'OPTIONS',
      headers: { ...headers, origin: 'https://evil.example' },
    })
    assert.equal(no.headers['access-control-allow-origin'], undefined)
  })

  test('a TCPRoute carries bytes', async () => {
    assert.equal(await echo(mesh.at('edge-weft-0', 7000), 'hello'), 'hello')
  })

  test('inside the mesh a producer route is for every caller, and a consumer route for those of its namespace', async () => {
    const inside = async (from: string, path: string): Promise<string> => {
      const { body, headers } = await mesh.call(from, `http://one.infra:8080${path}`)
      return `${body} ${headers['x-route'] ?? ''}`.trim()
    }
    assert.equal(await inside('three-0', '/'), 'one-0 producer')
    assert.equal(await inside('three-0', '/two'), 'two-0')
    assert.equal(await inside('far-0', '/'), 'one-0 consumer')
    assert.equal(await inside('far-0', '/two'), 'one-0 consumer')
  })
})
