// EnvoyFilters, obeyed by real Envoys.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '@weft/testkit/until'
import { skipWithoutEnvoy } from '../envoy-on-path.ts'
import { startedMesh } from './mesh-suites.ts'
import { served, workload } from './mesh-texts.ts'

const base = workload('web') + served('catalog')

const script = `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: script, namespace: shop }
spec:
  workloadSelector: { labels: { app: catalog } }
  configPatches:
    - applyTo: HTTP_FILTER
      match: { context: SIDECAR_INBOUND, listener: { filterChain: { filter: { subFilter: { name: envoy.filters.http.router } } } } }
      patch:
        operation: INSERT_BEFORE
        value:
          name: envoy.filters.http.lua
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
            default_source_code: { inline_string: "function envoy_on_request(h) h:headers():add('x-lua', 'yes') end" }
    - applyTo: CLUSTER
      patch: { operation: MERGE, value: { no_such_field: 1 } }
`

const limit = `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: limit, namespace: istio-system }
spec:
  configPatches:
    - applyTo: HTTP_FILTER
      match: { context: SIDECAR_INBOUND, listener: { filterChain: { filter: { subFilter: { name: envoy.filters.http.router } } } } }
      patch:
        operation: INSERT_BEFORE
        value:
          name: envoy.filters.http.local_ratelimit
          typed_config:
            "@type": type.googleapis.com/udpa.type.v1.TypedStruct
            type_url: type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
            value:
              stat_prefix: limit
              token_bucket: { max_tokens: 3, tokens_per_fill: 1, fill_interval: 600s }
              filter_enabled: { default_value: { numerator: 100 } }
              filter_enforced: { default_value: { numerator: 100 } }
    - applyTo: HTTP_ROUTE
      match: { context: SIDECAR_OUTBOUND, routeConfiguration: { vhost: { name: "catalog.shop.svc.cluster.local:80" } } }
      patch: { operation: INSERT_FIRST, value: { name: teapot, match: { path: /teapot }, direct_response: { status: 418 } } }
`

/** A filter in one object, its configuration in another. */
function apart(value: string): string {
  return `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: filter, namespace: shop }
spec:
  configPatches:
    - applyTo: HTTP_FILTER
      match: { context: SIDECAR_INBOUND, listener: { filterChain: { filter: { subFilter: { name: envoy.filters.http.router } } } } }
      patch:
        operation: INSERT_BEFORE
        value:
          name: script
          config_discovery:
            config_source: { ads: {}, initial_fetch_timeout: 0s, resource_api_version: V3 }
            type_urls: [type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua]
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: configuration, namespace: shop }
spec:
  configPatches:
    - applyTo: EXTENSION_CONFIG
      patch:
        operation: ADD
        value:
          name: script
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
            default_source_code: { inline_string: "function envoy_on_request(h) h:headers():add('x-apart', '${value}') end" }
`
}

describe('EnvoyFilters on real Envoys', { skip: skipWithoutEnvoy }, () => {
  const mesh = startedMesh({ base }, script)

  test('a filter is inserted, and a patch that does not fit is told without holding up its siblings', async () => {
    assert.equal((await mesh.call('web-0', 'http://catalog/')).status, 200)
    assert.equal(mesh.seen.at(-1)?.headers['x-lua'], 'yes')
    const told = JSON.stringify(await mesh.status())
    assert.match(told, /EnvoyFilter\/shop\/script#spec\.configPatches\[1\]/)
    assert.match(told, /no_such_field/)
  })

  test('an edited patch changes what is done, without a restart', async () => {
    mesh.edit(limit)
    await until(async () => (await mesh.call('web-0', 'http://catalog/teapot')).status === 418)
    await until(async () => (await mesh.call('web-0', 'http://catalog/')).status === 429)
    assert.equal(mesh.seen.at(-1)?.headers['x-lua'], undefined, 'the script is gone')
    assert.deepEqual(await mesh.refusals(), [])
  })

  test('a filter runs with the configuration that is written apart from it, and with the next one after an edit', async () => {
    const said = async (): Promise<unknown> => {
      await mesh.call('web-0', 'http://catalog/')
      return mesh.seen.at(-1)?.headers['x-apart']
    }
    mesh.edit(apart('first'))
    await until(async () => (await said()) === 'first')
    mesh.edit(apart('second'))
    await until(async () => (await said()) === 'second')
    assert.deepEqual(await mesh.refusals(), [])
  })
})
