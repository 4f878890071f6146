import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFiles, ofKind, planInstances, type WorkloadInstance } from '@weft/resources'
import type { ResourceTable } from '@weft/xds'
import { typeUrl } from '@weft/xds'
import type { Node } from '@weft/xds/lean'
import { statusReport } from './api/reports.ts'
import { ControlPlane } from './control-plane.ts'
import type { Distributor } from './serve/distributor-api.ts'
import { defaultMeshSettings } from './snapshot/mesh-settings.ts'
import type { StoreState } from './store/store-state.ts'

const text = `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: web, namespace: shop, labels: { app: web } }
spec: { command: [web], serviceAccount: web, ports: [{ name: http, port: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { selector: { app: web }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
`

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

function world(): {
  plane: ControlPlane
  tables: Map<string, ResourceTable>
  pushes: string[]
  tick(): void
  state(from?: string): StoreState
  instances(): WorkloadInstance[]
} {
  const tables = new Map<string, ResourceTable>()
  const pushes: string[] = []
  let armed: (() => void)[] = []
  const distributor: Distributor = {
    setTable(id, table) {
      tables.set(id, table)
      pushes.push(id)
    },
    removeTable: (id) => void tables.delete(id),
    accept() {},
    status: () => [],
    onStatus: () => () => {},
    work: () => ({ streams: 0, compared: 0, pushes: 0, pushedBytes: 0 }),
    close() {},
  }
  const plane = new ControlPlane({
    runtime: {
      clock: { nowMs: () => 0, wallMs: () => 1000 },
      timers: {
        set(_delayMs, onFire) {
          armed.push(onFire)
          return { cancel: () => (armed = armed.filter((one) => one !== onFire)) }
        },
      },
      log: silent,
    },
    settings: defaultMeshSettings,
    distributor,
  })
  let revision = 0
  return {
    plane,
    tables,
    pushes,
    tick() {
      const due = armed
      armed = []
      for (const fire of due) fire()
    },
    state(from = text) {
      const { objects, problems } = loadFiles([{ name: 'mesh.yaml', text: from }])
      return { objects, problems, stale: [], blocking: [], unenforceable: [], revision: ++revision }
    },
    instances() {
      const { objects } = loadFiles([{ name: 'mesh.yaml', text }])
      return planInstances(ofKind(objects, 'Workload'), ofKind(objects, 'Service')).map((one) => ({
        ...one,
        ready: true,
      }))
    },
  }
}

function node(id: string, flavor = 'weft'): Node {
  return {
    id,
    cluster: '',
    metadata: { WEFT: { flavor } },
    locality: undefined,
    userAgentName: '',
    userAgentVersion: undefined,
    clientFeatures: [],
  }
}

const web = 'spiffe://cluster.local/ns/shop/sa/web'
const peer = (spiffeId: string): { spiffeId: string; serial: undefined; notAfterMs: undefined } => ({
  spiffeId,
  serial: undefined,
  notAfterMs: undefined,
})

test('nothing is served before both the files and the registry were read', () => {
  const { plane, tables, tick, state, instances } = world()
  plane.setStoreState(state())
  tick()
  assert.equal(plane.ready, false)
  assert.equal(tables.size, 0)
  plane.setInstances(instances())
  tick()
  assert.equal(plane.ready, true)
  assert.deepEqual([...tables.keys()], ['web-0.shop'])
})

test('changes of one moment become one rebuild', () => {
  const { plane, pushes, tick, state, instances } = world()
  plane.setStoreState(state())
  plane.setInstances([])
  plane.setInstances(instances())
  tick()
  assert.deepEqual(pushes, ['web-0.shop'])
  assert.equal(plane.history.length, 1)
})

test('a file whose lines moved pushes nothing, and places are those of the new file', () => {
  const { plane, pushes, tick, state, instances } = world()
  plane.setStoreState(state())
  plane.setInstances(instances())
  tick()
  const line = plane.sourceMap.positionOf('core/Service/shop/web')?.line ?? 0
  plane.setStoreState(state(`# one\n# two\n${text}`))
  tick()
  assert.equal(pushes.length, 1)
  assert.equal(plane.sourceMap.positionOf('core/Service/shop/web')?.line, line + 2)
})

test('a proxy gets its configuration only with the identity of its instance', () => {
  const { plane, tick, state, instances } = world()
  plane.setStoreState(state())
  plane.setInstances(instances())
  tick()
  const id = 'sidecar~127.66.0.1~web-0.shop~shop.svc.cluster.local'
  assert.deepEqual(plane.authorize(node(id), peer(web)), { ok: true, value: 'web-0.shop' })
  for (const [claimed, shown] of [
    [id, undefined],
    [id, peer('spiffe://cluster.local/ns/shop/sa/other')],
    ['sidecar~127.66.0.1~ghost-0.shop~shop.svc.cluster.local', peer(web)],
    ['web-0.shop', peer(web)],
  ] as const) {
    assert.equal(plane.authorize(node(claimed), shown).ok, false, claimed)
  }
})

test('Envoy does not get what only Weft reads', () => {
  const { plane, tables, tick, state, instances } = world()
  plane.setStoreState(state())
  plane.setInstances(instances())
  tick()
  const clusters = (): boolean => tables.get('web-0.shop')?.get(typeUrl.cluster).has('weft.workloads') ?? false
  assert.equal(clusters(), true)
  plane.authorize(node('sidecar~127.66.0.1~web-0.shop~shop.svc.cluster.local', 'envoy'), peer(web))
  assert.equal(clusters(), false)
})

test('an instance that is gone takes its table with it', () => {
  const { plane, tables, tick, state, instances } = world()
  plane.setStoreState(state())
  plane.setInstances(instances())
  tick()
  plane.setInstances([])
  tick()
  assert.equal(tables.size, 0)
})

test('status names every proxy with the identity it must show, connected or not', () => {
  const { plane, tick, state, instances } = world()
  plane.setStoreState(state())
  plane.setInstances(instances())
  tick()
  const [proxy] = statusReport(plane, [], 'cluster.local').proxies
  assert.equal(proxy?.id, 'web-0.shop')
  assert.equal(proxy?.connected, false)
  assert.equal(proxy?.identity.expected, web)
  assert.equal(proxy?.isolation, 'none')
})
