import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFiles, ofKind, planInstances } from '@weft/resources'
import { typeUrl } from '@weft/xds'
import { buildOffline } from '../build-offline.ts'
import { resourceToJson } from '../patches/resource-to-json.ts'

const text = `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: web, namespace: shop, labels: { app: web } }
spec: { command: [web], ports: [{ name: http, port: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: late, namespace: shop }
spec: { selector: { app: web }, ports: [{ name: http, port: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: early, namespace: shop }
spec: { selector: { app: web }, publishNotReadyAddresses: true, ports: [{ name: http, port: 8080 }] }
`

test('a workload that is not ready is an endpoint of the Services that publish it all the same', () => {
  const files = [{ name: 'in.yaml', text }]
  const { objects } = loadFiles(files)
  const instances = planInstances(ofKind(objects, 'Workload'), ofKind(objects, 'Service'))
  const endpointsOf = (service: string, draining: boolean): number => {
    const mesh = buildOffline(files, { instances: instances.map((each) => ({ ...each, ready: false, draining })) })
    const table = mesh.resourcesFor('web-0.shop')?.get(typeUrl.clusterLoadAssignment)
    const found = table?.get(`outbound|8080||${service}.shop.svc.cluster.local`)
    assert.ok(found !== undefined)
    const { endpoints = [] } = resourceToJson(typeUrl.clusterLoadAssignment, found.body) as { endpoints?: unknown[] }
    return endpoints.length
  }
  assert.equal(endpointsOf('late', false), 0)
  assert.equal(endpointsOf('early', false), 1)
  assert.equal(endpointsOf('early', true), 0, 'one that ends takes nothing new')
})
