// What the security kinds ask for, done by real Envoys: tokens, claims, and who is asked outside.
import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer } from 'node:http'
import { describe, test } from 'node:test'
import { until } from '@weft/testkit/until'
import { skipWithoutEnvoy } from '../envoy-on-path.ts'
import { startedMesh } from './mesh-suites.ts'
import { meshConfig, served, service, workload } from './mesh-texts.ts'

const base = [
  workload('web'),
  served('catalog'),
  workload('authz', { more: 'proxy: none', ports: '{ name: other, port: 9999 }' }),
  service('authz', { ports: '{ name: http, port: 9999 }' }),
].join('')

interface Issuer {
  readonly jwks: string
  token(claims: object): string
}

function issuer(kid: string): Issuer {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' }
  return { jwks: JSON.stringify({ keys: [key] }), token: (claims) => token(kid, privateKey, claims) }
}

function token(kid: string, key: KeyObject, claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 600
  const signed = `${part({ alg: 'RS256', typ: 'JWT', kid })}.${part({ exp, ...claims })}`
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`
}

describe('security on real Envoys', { skip: skipWithoutEnvoy }, () => {
  const shop = issuer('shop')
  const other = issuer('other')
  const mesh = startedMesh({ base }, async (mesh) =>
    rules(await mesh.serve(createServer((_request, response) => void response.end(other.jwks)))),
  )

  function rules(port: number): string {
    return `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: catalog, namespace: shop }
spec:
  selector: { matchLabels: { app: catalog } }
  jwtRules:
    - issuer: https://shop.example
      audiences: [books]
      jwks: '${shop.jwks}'
      fromHeaders: [{ name: x-token, prefix: "Token " }]
      fromParams: [token]
      fromCookies: [session]
      outputPayloadToHeader: x-payload
      outputClaimToHeaders: [{ header: x-sub, claim: sub }]
      forwardOriginalToken: true
    - issuer: https://other.example
      jwksUri: http://127.0.0.1:${port}/keys
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: catalog, namespace: shop }
spec:
  selector: { matchLabels: { app: catalog } }
  rules:
    - to: [{ operation: { paths: [/open, /kept-by-service] } }]
    - from: [{ source: { requestPrincipals: ["https://shop.example/*"] } }]
      to: [{ operation: { paths: [/shop] } }]
    - from: [{ source: { requestPrincipals: ["*/ann"] } }]
      to: [{ operation: { paths: ["/of/{*}/pages/{**}"] } }]
    - to: [{ operation: { paths: [/groups] } }]
      when: [{ key: "request.auth.claims[groups]", values: [readers] }]
    - to: [{ operation: { paths: [/scope] } }]
      when: [{ key: "request.auth.claims[scope]", values: [write] }]
    - to: [{ operation: { paths: [/nested] } }]
      when: [{ key: "request.auth.claims[realm][role]", values: [admin] }]
    - to: [{ operation: { paths: [/audience] } }]
      when: [{ key: request.auth.audiences, values: [books] }]
    - to: [{ operation: { paths: [/presenter] } }]
      when: [{ key: request.auth.presenter, values: ["app-*"] }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: watched, namespace: shop }
spec: { action: AUDIT, rules: [{}] }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: of-service, namespace: shop }
spec:
  action: DENY
  targetRefs: [{ group: "", kind: Service, name: catalog }]
  rules: [{ to: [{ operation: { paths: [/kept-by-service] } }] }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: of-another-service, namespace: shop }
spec:
  action: DENY
  targetRef: { kind: Service, name: authz }
  rules: [{ to: [{ operation: { paths: [/open] } }] }]
`
  }

  const ann = { iss: 'https://shop.example', sub: 'ann', aud: 'books' }

  async function status(path: string, headers: Record<string, string> = {}): Promise<number> {
    return (await mesh.call('web-0', `http://catalog${path}`, headers)).status
  }

  function bearing(claims: object): Record<string, string> {
    return { 'x-token': `Token ${shop.token(claims)}` }
  }

  test('without a token what needs none is served, the rest is forbidden', async () => {
    assert.equal(await status('/open'), 200)
    assert.equal(await status('/shop'), 403)
  })

  test('a policy that names a Service holds for what stands behind it, and for nothing else', async () => {
    assert.equal(await status('/kept-by-service'), 403)
    assert.equal(await status('/open'), 200)
  })

  test('a bad token is refused even where none is needed', async () => {
    assert.equal(await status('/open', { 'x-token': 'Token nonsense' }), 401)
    const forged = shop.token(ann).slice(0, -6)
    assert.equal(await status('/open', { 'x-token': `Token ${forged}AAAAAA` }), 401)
    assert.equal(await status('/open', bearing({ ...ann, aud: 'elsewhere' })), 403)
    assert.equal(await status('/open', bearing({ ...ann, exp: 1000 })), 401)
  })

  test('tokens are taken from headers, parameters and cookies', async () => {
    assert.equal(await status('/shop', bearing(ann)), 200)
    assert.equal(await status(`/shop?token=${shop.token(ann)}`), 200)
    assert.equal(await status('/shop', { cookie: `session=${shop.token(ann)}` }), 200)
  })

  test('payload, claims and the token itself go on to the application', async () => {
    await status('/shop', bearing(ann))
    const headers = mesh.seen.at(-1)?.headers
    const payload = Buffer.from(String(headers?.['x-payload']), 'base64url').toString()
    assert.equal((JSON.parse(payload) as { sub: string }).sub, 'ann')
    assert.equal(headers?.['x-sub'], 'ann')
    assert.match(String(headers?.['x-token']), /^Token ey/)
  })

  test('keys are fetched from where they are published, and a token of one issuer is not held against the other', async () => {
    const headers = { authorization: `Bearer ${other.token({ iss: 'https://other.example', sub: 'ann' })}` }
    await until(async () => (await status('/open', headers)) === 200)
    assert.equal(await status('/shop', headers), 403, 'another issuer')
    assert.equal(await status('/of/ann/pages/1/2', headers), 200, 'the subject, whoever issued')
    assert.equal(await status('/of/ann/else', headers), 403)
  })

  test('claims decide: texts, lists, words of a text, and what is nested', async () => {
    const cases: readonly (readonly [string, object, number])[] = [
      ['/groups', { groups: ['writers', 'readers'] }, 200],
      ['/groups', { groups: 'readers' }, 200],
      ['/groups', { groups: ['writers'] }, 403],
      ['/scope', { scope: 'read write' }, 200],
      ['/scope', { scope: 'read' }, 403],
      ['/nested', { realm: { role: 'admin' } }, 200],
      ['/nested', { realm: { role: 'guest' } }, 403],
      ['/audience', { aud: ['x', 'books'] }, 200],
      ['/presenter', { azp: 'app-1' }, 200],
      ['/presenter', { azp: 'web' }, 403],
    ]
    for (const [path, claims, expected] of cases) {
      assert.equal(await status(path, bearing({ ...ann, ...claims })), expected, `${path} ${JSON.stringify(claims)}`)
    }
  })

  test('a provider is asked about what the policy names, and only about that', async () => {
    const asked: string[] = []
    const decider = createServer((incoming, response) => {
      asked.push(`${incoming.method} ${incoming.url} ${incoming.headers['x-ask'] ?? ''}`)
      response.writeHead(incoming.headers['x-ask'] === 'please' ? 200 : 403, { 'x-decided': 'yes', 'x-user': 'ann' })
      response.end('decided')
    })
    const { appAddress } = mesh.instance('authz-0')
    await new Promise<void>((resolve) => decider.listen(9999, appAddress, resolve))
    try {
      mesh.edit(custom('decider'))
      await until(async () => (await status('/admin')) === 403 && asked.length > 0)
      const denied = await mesh.call('web-0', 'http://catalog/admin')
      assert.equal(denied.headers['x-decided'], 'yes')
      const allowed = await mesh.call('web-0', 'http://catalog/admin/x', { 'x-ask': 'please' })
      assert.equal(allowed.status, 200)
      assert.equal(mesh.seen.at(-1)?.headers['x-user'], 'ann')
      assert.match(asked.at(-1) ?? '', /^GET \/check\/admin\/x please/)
      const before = asked.length
      assert.equal(await status('/else'), 200)
      assert.equal(asked.length, before)
    } finally {
      decider.close()
      decider.closeAllConnections()
    }
    await until(async () => (await status('/admin', { 'x-ask': 'please' })) === 503)
  })

  test('a provider that the mesh does not have denies, even where it may fail open, and paths and logs are as the mesh settings say', async () => {
    for (const provider of ['nobody', 'gone']) {
      mesh.edit(custom('decider').replace('/admin*', '/never'))
      await until(async () => (await status('/else')) === 200)
      mesh.edit(custom(provider))
      await until(async () => (await status('/else')) === 403, provider)
      assert.equal(await status('/admin'), 403)
    }
    mesh.edit(custom('decider').replace('/admin*', '/never'))
    await until(async () => (await status('/a%2Fb//c')) === 200)
    assert.equal(mesh.seen.at(-1)?.url, '/a/b/c')
    await until(() => mesh.logs.some((line) => line === 'log of the mesh: GET /a/b/c 200'))
  })

  function custom(provider: string): string {
    return `${meshConfig(`
accessLogFile: /dev/stdout
accessLogFormat: "log of the mesh: %REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE%"
pathNormalization: { normalization: DECODE_AND_MERGE_SLASHES }
extensionProviders:
  - name: decider
    envoyExtAuthzHttp:
      service: authz.shop.svc.cluster.local
      port: 9999
      timeout: 2s
      pathPrefix: /check
      statusOnError: "503"
      includeRequestHeadersInCheck: [x-ask]
      headersToUpstreamOnAllow: [x-user]
      headersToDownstreamOnDeny: [x-decided]
  - name: gone
    envoyExtAuthzHttp: { service: gone.shop.svc.cluster.local, port: 9999, failOpen: true }
`)}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: custom, namespace: shop }
spec:
  selector: { matchLabels: { app: catalog } }
  action: CUSTOM
  provider: { name: ${provider} }
  rules: [{ to: [{ operation: { paths: [/admin*] } }] }]
`
  }
})
