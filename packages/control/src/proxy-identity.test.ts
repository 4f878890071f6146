import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonValue } from '@bufbuild/protobuf'
import type { WorkloadInstance } from '@weft/resources'
import { newNode } from '@weft/xds/lean'
import { claimOf, instanceOf, mayServe } from './proxy-identity.ts'

function instance(name: string, proxy: WorkloadInstance['proxy'], serviceAccount = name): WorkloadInstance {
  const addresses = { address: '127.66.0.1', appAddress: '127.66.0.1', ports: [], outboundTcp: {} }
  const { labels, ready, draining } = { labels: {}, ready: true, draining: false }
  return { name, workload: name, namespace: 'shop', serviceAccount, proxy, labels, ready, draining, ...addresses }
}

const known = new Map(
  [instance('web', 'sidecar'), instance('b', 'grpc', 'calls'), instance('a', 'grpc', 'calls')].map((each) => [
    `${each.name}.shop`,
    each,
  ]),
)
const peer = (account: string) => ({
  spiffeId: `spiffe://cluster.local/ns/shop/sa/${account}`,
  serial: undefined,
  notAfterMs: undefined,
})

function asked(node: Parameters<typeof newNode>[0], account?: string): string {
  const claim = claimOf(newNode(node))
  if (!claim.ok) return claim.error
  const shown = account === undefined ? undefined : peer(account)
  const found = instanceOf(claim.value, known, shown, 'cluster.local')
  if (!found.ok) return found.error
  const allowed = mayServe(found.value, shown, 'cluster.local')
  return allowed.ok ? found.value.name : allowed.error
}

const grpc = { GENERATOR: 'grpc' }

test('a gRPC library is its instance as its node says, with the certificate of that workload only', () => {
  const id = 'sidecar~127.66.0.1~b.shop~shop.svc.cluster.local'
  assert.equal(asked({ id, metadata: grpc }, 'calls'), 'b')
  assert.match(asked({ id, metadata: grpc }, 'web'), /b.shop must show the identity .*sa\/calls, not .*sa\/web/)
  assert.match(asked({ id, metadata: grpc }), /not none/)
})

test('a gRPC library that does not say who it is, is the first instance of its certificate', () => {
  assert.equal(asked({ id: 'anything', userAgentName: 'gRPC Go' }, 'calls'), 'a')
  assert.equal(asked({ id: '', userAgentName: 'grpc-node' }, 'calls'), 'a')
  assert.match(
    asked({ id: 'anything', userAgentName: 'gRPC Go' }, 'web'),
    /no workload with proxy: grpc has the identity .*sa\/web/,
  )
  assert.match(asked({ id: 'anything', userAgentName: 'gRPC Go' }), /has the identity none/)
})

test('an id that is too long to be told is refused without being repeated', () => {
  const long = 'x'.repeat(100_000)
  for (const id of [long, `sidecar~127.66.0.1~${long}~shop.svc.cluster.local`]) {
    assert.equal(asked({ id }, 'web'), 'the node id has more than 1024 characters')
  }
})

test('neither a library nor a proxy gets what is for the other', () => {
  const of = (name: string): string => `sidecar~127.66.0.1~${name}.shop~shop.svc.cluster.local`
  assert.match(asked({ id: of('web'), metadata: grpc }, 'web'), /web.shop has a proxy/)
  assert.match(asked({ id: of('b'), userAgentName: 'envoy' }, 'calls'), /b.shop says proxy: grpc, so no proxy may ask/)
  assert.match(asked({ id: of('nobody'), metadata: grpc }, 'calls'), /no proxy nobody.shop is registered/)
})

test('only a bootstrap with certificates is told of mutual TLS', () => {
  const offers = (WEFT: JsonValue): boolean | undefined => {
    const claim = claimOf(newNode({ id: 'x', metadata: { ...grpc, WEFT } }))
    return claim.ok ? claim.value.certificates : undefined
  }
  assert.deepEqual(
    [offers({ certificateProvider: 'default' }), offers({ certificateProvider: 'other' }), offers(7)],
    [true, false, false],
  )
})
