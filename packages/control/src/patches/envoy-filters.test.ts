import assert from 'node:assert/strict'
import { test } from 'node:test'
import { typeUrl } from '@weft/xds'
import { buildOffline } from '../build-offline.ts'
import { resourceToJson } from './resource-to-json.ts'

const mesh = `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: catalog, namespace: shop, labels: { app: catalog } }
spec: { command: [catalog], serviceAccount: catalog, ports: [{ name: http, port: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: catalog, namespace: shop }
spec: { selector: { app: catalog }, ports: [{ name: http, port: 80, targetPort: http }] }
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: script, namespace: shop }
spec:
  configPatches:
    - applyTo: HTTP_FILTER
      match: { context: SIDECAR_INBOUND, listener: { filterChain: { filter: { name: envoy.filters.network.http_connection_manager, subFilter: { name: envoy.filters.http.router } } } } }
      patch:
        operation: INSERT_FIRST
        value: { name: script, typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua, stat_prefix: script } }
    - applyTo: CLUSTER
      match: { context: SIDECAR_OUTBOUND, cluster: { service: catalog.shop.svc.cluster.local } }
      patch: { operation: MERGE, value: { connect_timeout: 7s } }
    - applyTo: CLUSTER
      match: { context: SIDECAR_OUTBOUND, cluster: { service: another.shop.svc.cluster.local } }
      patch: { operation: MERGE, value: { connect_timeout: 8s } }
`

test('a patched resource names the patches that changed it, and no others', () => {
  const table = buildOffline([{ name: 'in.yaml', text: mesh }], { flavor: 'envoy' }).resourcesFor('catalog-0.shop')
  const patches = [typeUrl.listener, typeUrl.cluster].flatMap((type) =>
    [...(table?.get(type).values() ?? [])].flatMap(({ name, origin = [] }) => {
      const of = origin.filter((each) => each.includes('/EnvoyFilter/')).map((each) => each.split('#')[1])
      return of.length === 0 ? [] : [`${name.replace(/_\d+\.\d+\.\d+\.\d+/, '')}: ${of.join(' ')}`]
    }),
  )
  assert.deepEqual(patches.sort(), [
    'inbound_8080: spec.configPatches[0]',
    'outbound|80||catalog.shop.svc.cluster.local: spec.configPatches[1]',
  ])
})

test('what a patch holds is printed, also a filter that Weft never sends itself', () => {
  const table = buildOffline([{ name: 'in.yaml', text: mesh }], { flavor: 'envoy' }).resourcesFor('catalog-0.shop')
  const printed = [...(table?.get(typeUrl.listener).values() ?? [])].map(({ body }) =>
    resourceToJson(typeUrl.listener, body),
  )
  assert.ok(JSON.stringify(printed).includes('"name":"script","typed_config":{"stat_prefix":"script"'))
})
