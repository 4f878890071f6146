import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import {
  newDeltaDiscoveryRequest,
  newNode,
  readDeltaDiscoveryRequest,
  readRouteConfiguration,
  writeDeltaDiscoveryRequest,
} from '@weft/xds/lean'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { DeltaDiscoveryRequestSchema } from '@weft/xds/es/envoy/service/discovery/v3/discovery'
import { fromBinary } from '@bufbuild/protobuf'

test('a route configuration written by protobuf-es is read in the lean shape', () => {
  const bytes = toBinary(
    RouteConfigurationSchema,
    create(RouteConfigurationSchema, {
      name: 'outbound-http',
      virtualHosts: [
        {
          name: 'catalog:80',
          domains: ['catalog'],
          routes: [
            {
              match: { pathSpecifier: { case: 'prefix', value: '/' } },
              action: {
                case: 'route',
                value: {
                  clusterSpecifier: { case: 'cluster', value: 'c' },
                  timeout: { seconds: 1n, nanos: 500_000_000 },
                  cors: {},
                },
              },
            },
          ],
        },
      ],
    }),
  )
  const unlisted: string[] = []
  const config = readRouteConfiguration(bytes, unlisted)
  const route = config.virtualHosts[0]?.routes[0]
  assert.equal(route?.match?.prefix, '/')
  assert.equal(route?.match?.path, undefined)
  assert.equal(route?.route?.cluster, 'c')
  assert.equal(route?.route?.timeout, 1500)
  assert.deepEqual(unlisted, ['envoy.config.route.v3.RouteAction.cors'])
})

test('a request written by the lean writer is read by protobuf-es and by the lean reader', () => {
  const request = newDeltaDiscoveryRequest({
    typeUrl: 't',
    node: newNode({ id: 'n', metadata: { WEFT: { instance: 'catalog-v1-0', list: [1, true, null, 'x'] } } }),
    initialResourceVersions: new Map([['a', '1']]),
    resourceNamesSubscribe: ['*'],
  })
  const bytes = writeDeltaDiscoveryRequest(request)
  const full = fromBinary(DeltaDiscoveryRequestSchema, bytes)
  assert.deepEqual(full.node?.metadata, { WEFT: { instance: 'catalog-v1-0', list: [1, true, null, 'x'] } })
  assert.deepEqual(full.initialResourceVersions, { a: '1' })
  assert.deepEqual(readDeltaDiscoveryRequest(bytes, []), request)
})
