// `weft explain` of a mesh of Envoys with filters that it cannot decide: what it says holds of what they answer.
import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { skipWithoutEnvoy as skip } from '../interop/envoy-on-path.ts'
import { eventually, lockMachine } from './mesh-under-test.ts'
import { type SmallMesh, smallMeshDirectory, startSmallMesh } from './small-mesh.ts'

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256' }] })

const filters = `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens, namespace: small }
spec:
  selector: { matchLabels: { app: front } }
  jwtRules: [{ issuer: tests, jwks: '${jwks}' }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: guarded, namespace: small }
spec:
  selector: { matchLabels: { app: front } }
  action: DENY
  rules: [{ from: [{ source: { notRequestPrincipals: ["*"] } }], to: [{ operation: { paths: [/guarded] } }] }]
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: script, namespace: small }
spec:
  workloadSelector: { labels: { app: back } }
  configPatches:
    - applyTo: HTTP_FILTER
      match: { context: SIDECAR_INBOUND, listener: { filterChain: { filter: { name: envoy.filters.network.http_connection_manager } } } }
      patch:
        operation: INSERT_FIRST
        value:
          name: refuses
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
            default_source_code:
              inline_string: |
                function envoy_on_request(handle)
                  if handle:headers():get(":path") == "/no" then handle:respond({[":status"] = "418"}, "no") end
                end
`

let mesh: SmallMesh
let unlock: () => Promise<void>

describe('explain of Envoys with filters that it cannot decide', { skip }, () => {
  before(async () => {
    unlock = await lockMachine()
    const directory = await smallMeshDirectory()
    directory.replace('mesh/filters.yaml', filters)
    mesh = await startSmallMesh(directory, ['--proxy', 'envoy'])
  })
  after(async () => {
    await mesh?.run.stop()
    mesh?.directory.remove()
    await unlock()
  })

  test('a filter that reads tokens is named, and the answer is told under the proviso that it lets the request on', async () => {
    assert.match(
      await outcome('gateway', '/'),
      /^=> 200 if envoy\.filters\.http\.jwt_authn \(.*filters\.yaml:2\) lets it on:/,
    )
    await eventually('front answers', async () => ((await answer('/')) === 200 ? true : undefined), 30_000)
    assert.equal(await answer('/', 'no.such.token'), 401)
  })

  test('a policy about tokens is open where it is about the request, and decided elsewhere', async () => {
    assert.match(
      await outcome('gateway', '/guarded'),
      /^=> 200 if envoy\.filters\.http\.jwt_authn \(.*\) and ns\[small\]-policy\[guarded\]-rule\[0\] \(.*filters\.yaml:\d+\) let it on:/,
    )
    assert.equal(await answer('/guarded'), 403)
    assert.equal(await answer('/guarded', token()), 200)
  })

  test('a filter that an EnvoyFilter put in is named, with the lines that may have done it', async () => {
    const { stdout, code } = await mesh.weft(['explain', '--from', 'front', 'GET', 'http://back/no', '-o', 'json'])
    const explained = JSON.parse(stdout) as {
      readonly status: number
      readonly undecided: readonly { readonly name: string; readonly proxy: string; readonly origins: object }[]
    }
    assert.equal(code, 0)
    assert.equal(explained.status, 200)
    assert.deepEqual(
      explained.undecided.map(({ name, proxy, origins }) => ({ name, proxy, origins })),
      [
        {
          name: 'refuses',
          proxy: 'back-0.small',
          origins: { patch0: 'networking.istio.io/EnvoyFilter/small/script#spec.configPatches[0]' },
        },
      ],
    )
    assert.equal(await answer('/through/no'), 418)
    assert.equal(await answer('/through/yes'), 200)
  })
})

async function outcome(from: string, path: string): Promise<string> {
  const { stdout, stderr, code } = await mesh.weft(['explain', '--from', from, 'GET', `${mesh.url}${path}`])
  assert.equal(code, 0, stderr)
  assert.equal(stderr, '')
  return stdout.split('\n').find((line) => line.startsWith('=>')) ?? stdout
}

async function answer(path: string, bearer?: string): Promise<number> {
  const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }
  const response = await fetch(`${mesh.url}${path}`, { headers, signal: AbortSignal.timeout(10_000) })
  await response.arrayBuffer()
  return response.status
}

function token(): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'RS256', kid: 'one' })}.${part({ iss: 'tests', sub: 'ann', exp: 4_000_000_000 })}`
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`
}
