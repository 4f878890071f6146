import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MtlsMode, PeerAuthenticationSpec } from '@weft/resources'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { duplicatePeerAuthentications, effectiveMtls, peerAuthenticationsOf } from './peer-authentication.ts'

function peerAuthentication(
  place: string,
  mode: MtlsMode,
  rest: Partial<PeerAuthenticationSpec> = {},
): SnapshotObject<PeerAuthenticationSpec> {
  const [namespace = '', name = ''] = place.split('/')
  const id = { cluster: '', group: 'security.istio.io', kind: 'PeerAuthentication', namespace, name }
  return {
    key: place,
    hash: place,
    id,
    labels: {},
    annotations: {},
    spec: { mtls: { mode }, portLevelMtls: {}, ...rest },
  }
}

const catalog = { namespace: 'shop', labels: { app: 'catalog' } }
const onCatalog = { selector: { matchLabels: { app: 'catalog' } } }

function modeOf(policies: SnapshotObject<PeerAuthenticationSpec>[], port = 8080): string {
  return effectiveMtls(peerAuthenticationsOf(policies, catalog, 'istio-system'), port).mode
}

test('without any policy the mode is PERMISSIVE and nothing is to blame', () => {
  assert.deepEqual(effectiveMtls([], 8080), { mode: 'PERMISSIVE', origin: undefined })
})

test('workload before namespace before mesh', () => {
  const mesh = peerAuthentication('istio-system/default', 'STRICT')
  const namespace = peerAuthentication('shop/default', 'DISABLE')
  const workload = peerAuthentication('shop/catalog', 'PERMISSIVE', onCatalog)
  assert.equal(modeOf([mesh]), 'STRICT')
  assert.equal(modeOf([mesh, namespace]), 'DISABLE')
  assert.equal(modeOf([mesh, namespace, workload]), 'PERMISSIVE')
})

test('a policy of the root namespace that selects by labels opens nothing that a namespace or the mesh closes', () => {
  const namespace = peerAuthentication('shop/default', 'STRICT')
  const mesh = peerAuthentication('istio-system/default', 'STRICT')
  const portLevelMtls = { 8080: { mode: 'DISABLE' as const } }
  const selecting = peerAuthentication('istio-system/catalog', 'PERMISSIVE', { ...onCatalog, portLevelMtls })
  assert.equal(modeOf([selecting, namespace]), 'STRICT')
  assert.equal(modeOf([selecting, mesh]), 'STRICT')
  assert.equal(
    modeOf([peerAuthentication('istio-system/catalog', 'DISABLE', { selector: { matchLabels: {} } }), namespace]),
    'STRICT',
  )
})

test('UNSET inherits from the next level', () => {
  const mesh = peerAuthentication('istio-system/default', 'STRICT')
  assert.equal(modeOf([mesh, peerAuthentication('shop/catalog', 'UNSET', onCatalog)]), 'STRICT')
})

test('a port of a workload policy stands above all, and names its field', () => {
  const portLevelMtls = { 7000: { mode: 'DISABLE' as const } }
  const policies = [peerAuthentication('shop/catalog', 'STRICT', { ...onCatalog, portLevelMtls })]
  assert.equal(modeOf(policies, 8080), 'STRICT')
  assert.deepEqual(effectiveMtls(policies, 7000), {
    mode: 'DISABLE',
    origin: 'security.istio.io/PeerAuthentication/shop/catalog#spec.portLevelMtls["7000"].mode',
  })
})

test('policies of other namespaces and other workloads do not count', () => {
  const others = [
    peerAuthentication('elsewhere/default', 'STRICT'),
    peerAuthentication('shop/web', 'STRICT', { selector: { matchLabels: { app: 'web' } } }),
  ]
  assert.equal(modeOf(others), 'PERMISSIVE')
})

test('of several policies of one level the oldest alone counts: where it is UNSET the next level does, not the next policy', () => {
  const namespace = peerAuthentication('shop/default', 'STRICT')
  const unset = peerAuthentication('shop/a', 'UNSET', onCatalog)
  const open = peerAuthentication('shop/b', 'DISABLE', { ...onCatalog, portLevelMtls: { 7000: { mode: 'DISABLE' } } })
  assert.deepEqual(
    [8080, 7000].map((port) => modeOf([namespace, unset, open], port)),
    ['STRICT', 'STRICT'],
  )
  const older = { ...open, createdAt: '2024-01-01T00:00:00Z' }
  const younger = { ...unset, createdAt: '2024-01-02T00:00:00Z' }
  assert.equal(modeOf([namespace, younger, older]), 'DISABLE', 'the older one, whatever their names')
  const losers = duplicatePeerAuthentications(peerAuthenticationsOf([younger, older], catalog, 'istio-system'))
  assert.deepEqual(
    losers.map(({ origin, by }) => [origin, by]),
    [['security.istio.io/PeerAuthentication/shop/a', 'security.istio.io/PeerAuthentication/shop/b']],
  )
  const wide = peerAuthentication('shop/another', 'DISABLE')
  const unsetWide = peerAuthentication('shop/a-default', 'UNSET')
  const mesh = peerAuthentication('istio-system/default', 'STRICT')
  assert.equal(modeOf([mesh, unsetWide, wide]), 'STRICT', 'of namespaces, too')
})

test('of two policies for one workload the first by name holds, the other is reported', () => {
  const policies = [
    peerAuthentication('shop/a', 'STRICT', onCatalog),
    peerAuthentication('shop/b', 'DISABLE', onCatalog),
  ]
  assert.equal(modeOf(policies), 'STRICT')
  assert.equal(duplicatePeerAuthentications(policies)[0]?.origin, 'security.istio.io/PeerAuthentication/shop/b')
})
