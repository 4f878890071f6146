import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildOffline } from '../build-offline.ts'
import { MeshIndex } from '../snapshot/mesh-index.ts'
import { MeshQuery } from '../snapshot/mesh-query.ts'
import { gatewayModel, type GatewayModel } from './gateway-model.ts'
import { gatewayRefs } from './gateway-refs.ts'

const api = 'gateway.networking.k8s.io/v1'

/** The Gateway `shop/edge` of some YAML, understood. */
function modelOf(yaml: string): GatewayModel {
  const { snapshot, problems } = buildOffline([{ name: 'f', text: yaml }])
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  const index = new MeshIndex()
  index.follow(snapshot)
  const mesh = new MeshQuery(index, snapshot.config.settings)
  const [gateway] = mesh.apiGateways()
  assert.ok(gateway !== undefined)
  return gatewayModel(gateway, gatewayRefs(mesh, gateway))
}

const gateway = (listeners: string, more = ''): string => `
apiVersion: ${api}
kind: Gateway
metadata: { name: edge, namespace: shop }
spec: { gatewayClassName: weft, listeners: [${listeners}]${more} }
`

const route = (name: string, spec: string, kind = 'HTTPRoute', namespace = 'shop'): string => `
---
apiVersion: ${api}
kind: ${kind}
metadata: { name: ${name}, namespace: ${namespace} }
spec: { parentRefs: [{ name: edge, namespace: shop }], ${spec} }
`

const outcomes = (model: GatewayModel): string[] =>
  model.outcomes.map(({ route: { id }, fault }) => `${id.namespace}/${id.name} ${fault?.reason ?? 'Accepted'}`)

const conflicts = (model: GatewayModel): string[] =>
  model.listeners.map(({ spec, conflict, refused }) => `${spec.name} ${conflict?.reason ?? refused?.reason ?? 'ok'}`)

test('a route attaches where namespace, kind and hostname are taken', () => {
  const model = modelOf(
    gateway('{ name: a, protocol: HTTP, port: 80, hostname: "*.example.com" }') +
      route('ours', 'hostnames: [a.example.com, b.org]') +
      route('other-names', 'hostnames: [b.org]') +
      route('top', 'hostnames: [example.com]') +
      route('deep', 'hostnames: [a.b.example.com]') +
      route('theirs', 'hostnames: [a.example.com]', 'HTTPRoute', 'elsewhere') +
      route('bytes', 'rules: [{ backendRefs: [{ name: a, port: 80 }] }]', 'TCPRoute'),
  )
  assert.deepEqual(outcomes(model), [
    'elsewhere/theirs NotAllowedByListeners',
    'shop/bytes NotAllowedByListeners',
    'shop/deep Accepted',
    'shop/other-names NoMatchingListenerHostname',
    'shop/ours Accepted',
    'shop/top NoMatchingListenerHostname',
  ])
  assert.deepEqual(
    model.attached.map(({ hostnames }) => hostnames),
    [['a.b.example.com'], ['a.example.com']],
  )
})

test('sectionName and port narrow a parent, and one that narrows to nothing is told', () => {
  const listeners = '{ name: a, protocol: HTTP, port: 80 }, { name: b, protocol: HTTP, port: 81 }'
  const parents = (refs: string): string => `
---
apiVersion: ${api}
kind: HTTPRoute
metadata: { name: r, namespace: shop }
spec: { parentRefs: [${refs}] }
`
  const attached = (refs: string): string[] => {
    const model = modelOf(gateway(listeners) + parents(refs))
    return [...model.attached.map(({ listener }) => listener.spec.name), ...outcomes(model)]
  }
  assert.deepEqual(attached('{ name: edge }'), ['a', 'b', 'shop/r Accepted'])
  assert.deepEqual(attached('{ name: edge, sectionName: b }'), ['b', 'shop/r Accepted'])
  assert.deepEqual(attached('{ name: edge, port: 80 }'), ['a', 'shop/r Accepted'])
  assert.deepEqual(attached('{ name: edge, sectionName: a, port: 81 }'), ['shop/r NoMatchingParent'])
  assert.deepEqual(attached('{ name: edge, sectionName: c }'), ['shop/r NoMatchingParent'])
})

test('of an HTTPRoute and a GRPCRoute with one name the older has it', () => {
  const model = modelOf(
    gateway('{ name: a, protocol: HTTP, port: 80 }') +
      route('young', 'hostnames: [a.example]').replace(
        'namespace: shop }',
        'namespace: shop, creationTimestamp: "2026-02-01T00:00:00Z" }',
      ) +
      route('old', 'hostnames: [a.example]', 'GRPCRoute').replace(
        'namespace: shop }',
        'namespace: shop, creationTimestamp: "2026-01-01T00:00:00Z" }',
      ),
  )
  assert.deepEqual(outcomes(model), ['shop/old Accepted', 'shop/young Conflicted'])
})

test('listeners of one Gateway that conflict are all left out; a ListenerSet gives way to what is there', () => {
  const set = (name: string, listeners: string): string => `
---
apiVersion: ${api}
kind: ListenerSet
metadata: { name: ${name}, namespace: shop }
spec: { parentRef: { name: edge }, listeners: [${listeners}] }
`
  const allowed = ', allowedListeners: { namespaces: { from: Same } }'
  const own =
    '{ name: a, protocol: HTTP, port: 80 }, { name: b, protocol: TCP, port: 80 }, { name: c, protocol: HTTP, port: 81 }'
  const model = modelOf(
    gateway(own, allowed) +
      set('one', '{ name: d, protocol: HTTP, port: 81 }, { name: e, protocol: HTTP, port: 82 }') +
      set(
        'two',
        '{ name: f, protocol: HTTP, port: 82 }, { name: g, protocol: TCP, port: 81 }, { name: h, protocol: UDP, port: 81 }',
      ),
  )
  assert.deepEqual(conflicts(model), [
    'a ProtocolConflict',
    'b ProtocolConflict',
    'c ok',
    'd HostnameConflict',
    'e ok',
    'f HostnameConflict',
    'g ProtocolConflict',
    'h ok',
  ])
  assert.deepEqual(
    modelOf(gateway(own) + set('one', '{ name: d, protocol: HTTP, port: 83 }')).sets.map(
      ({ refused }) => refused?.reason,
    ),
    ['NotAllowed'],
  )
})

test('a Selector without a selector selects no namespace, and an empty one every namespace', () => {
  const set = `
---
apiVersion: ${api}
kind: ListenerSet
metadata: { name: more, namespace: elsewhere }
spec: { parentRef: { name: edge, namespace: shop }, listeners: [{ name: b, protocol: HTTP, port: 81 }] }
`
  const told = (selector: string): (string | undefined)[] => {
    const namespaces = `namespaces: { from: Selector${selector} }`
    const listener = `{ name: a, protocol: HTTP, port: 80, allowedRoutes: { ${namespaces} } }`
    const model = modelOf(
      gateway(listener, `, allowedListeners: { ${namespaces} }`) + set + route('ours', 'hostnames: [a.example]'),
    )
    return [...outcomes(model), ...model.sets.map(({ refused }) => refused?.reason)]
  }
  assert.deepEqual(told(''), ['shop/ours NotAllowedByListeners', 'NotAllowed'])
  assert.deepEqual(told(', selector: {}'), ['shop/ours Accepted', undefined])
})
