// Where nobody can be asked, nobody passes: Weft's proxy and sidecars answer for rules with an authorizer.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { compile } from '@weft/engine'
import { compileRegex } from '@weft/engine/regex'
import { typeUrl } from '@weft/xds'
import { buildOffline } from '../../build-offline.ts'
import { meshStatuses } from '../../status/mesh-statuses.ts'
import { resourceToJson } from '../../patches/resource-to-json.ts'
import { Translator } from '../translator.ts'

const text = readFileSync(join(import.meta.dirname, '../../../golden/gateway-api/external-auth/in.yaml'), 'utf8')
const guarded = ['/http', '/grpc', '/alone', '/split', '/elsewhere', '/moved']

interface RouteJson {
  readonly match: { readonly path_separated_prefix?: string }
  readonly direct_response?: { readonly status: number }
}

function hostsOf(json: unknown): readonly { readonly name: string; readonly routes?: readonly RouteJson[] }[] {
  return (json as { virtual_hosts: ReturnType<typeof hostsOf> }).virtual_hosts
}

test("Weft's proxy, should it meet such rules, answers 500 for all of them and serves the others", () => {
  const mesh = buildOffline([{ name: 'in.yaml', text }], { flavor: 'envoy' })
  const instance = mesh.instances.find(({ name }) => name === 'edge-weft-0')
  assert.ok(instance !== undefined)
  const proxy = { id: 'edge-weft-0.shop', instance, flavor: 'weft', interception: 'explicit' } as const
  const { table } = new Translator().translate(mesh.snapshot, proxy)
  const [sent] = [...table.get(typeUrl.routeConfiguration).values()].filter(({ name }) =>
    name.startsWith('gateway-api'),
  )
  assert.ok(sent !== undefined)
  const closed = hostsOf(resourceToJson(typeUrl.routeConfiguration, sent.body))
    .flatMap(({ routes }) => routes ?? [])
    .filter(({ direct_response }) => direct_response?.status === 500)
    .map(({ match }) => match.path_separated_prefix)
  assert.deepEqual(closed.sort(), [...guarded].sort())
  for (const { name, body } of table.get(typeUrl.listener).values()) {
    assert.ok(compile.compileListener(body, { regex: compileRegex }).ok, name)
  }
})

test("an HTTPRoute with an authorizer is refused where Weft's proxy is the data plane, and the message says so", () => {
  const { problems } = buildOffline([{ name: 'in.yaml', text }], { flavor: 'weft' })
  const [refused] = problems.filter(({ severity }) => severity === 'error')
  assert.equal(refused?.field, 'spec.rules[0].filters[0].externalAuth')
  assert.match(refused?.mend ?? '', /--proxy envoy/)
})

test('inside the mesh such a rule answers 500, and the status of the route says so', () => {
  const inside = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: inside, namespace: shop }
spec:
  parentRefs: [{ group: '', kind: Service, name: catalog }]
  rules:
    - filters: [{ type: ExternalAuth, externalAuth: { protocol: HTTP, backendRef: { name: orders, port: 8080 }, http: {} } }]
      backendRefs: [{ name: catalog, port: 80 }]
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: web, namespace: shop }
spec: { command: [web], ports: [{ name: http, port: 8080 }] }
`
  const mesh = buildOffline([{ name: 'in.yaml', text: `${text}---\n${inside}` }], { flavor: 'envoy' })
  const sent = mesh.resourcesFor('web-0.shop')?.get(typeUrl.routeConfiguration).get('outbound-http')
  assert.ok(sent !== undefined)
  const hosts = hostsOf(resourceToJson(typeUrl.routeConfiguration, sent.body))
  const host = hosts.find(({ name }) => name.startsWith('catalog.'))
  assert.deepEqual(
    host?.routes?.map((route) => route.direct_response?.status),
    [undefined, 500],
  )
  const status = meshStatuses(mesh.snapshot, { time: '2026-01-01T00:00:00Z' }).get(
    'gateway.networking.k8s.io/HTTPRoute/shop/inside',
  )
  const { parents } = status as { parents: { conditions: { type: string; reason: string }[] }[] }
  assert.equal(parents[0]?.conditions.find(({ type }) => type === 'Accepted')?.reason, 'UnsupportedValue')
})
