import assert from 'node:assert/strict'
import { test } from 'node:test'
import { api, brief, settings, statusByKey, statusOf, time } from './statuses-under-test.ts'

const gateway = (spec: string, metadata = 'name: edge'): string => `
---
${api}
kind: Gateway
metadata: { ${metadata} }
spec: { ${spec} }
`
const httpListener = 'listeners: [{ name: a, protocol: HTTP, port: 8080 }]'

test('a Gateway of our class is programmed by a workload of its own, without anybody writing one', () => {
  const status = statusOf(
    gateway(`gatewayClassName: weft, ${httpListener}`, 'name: edge, generation: 7'),
    'Gateway/default/edge',
  )
  assert.deepEqual(status?.addresses, [{ type: 'IPAddress', value: '127.66.0.1' }])
  assert.deepEqual(brief(status?.conditions), ['Accepted True Accepted', 'Programmed True Programmed'])
  assert.deepEqual(
    status?.conditions?.map(({ observedGeneration, lastTransitionTime }) => [observedGeneration, lastTransitionTime]),
    [
      [7, time],
      [7, time],
    ],
  )
  assert.deepEqual(brief(status?.listeners?.[0]?.conditions), [
    'Accepted True Accepted',
    'Programmed True Programmed',
    'ResolvedRefs True ResolvedRefs',
    'Conflicted False NoConflicts',
  ])
})

test('a Gateway of another class is nobody of ours, whatever the class is called', () => {
  const theirs = gateway(`gatewayClassName: other, ${httpListener}`)
  assert.equal(statusOf(theirs, 'Gateway/default/edge'), undefined)
  const written = (name: string, controller: string): string => `
---
${api}
kind: GatewayClass
metadata: { name: ${name} }
spec: { controllerName: ${controller} }
`
  assert.ok(statusOf(theirs + written('other', 'weft.dev/gateway-controller'), 'Gateway/default/edge') !== undefined)
  const taken = gateway(`gatewayClassName: weft, ${httpListener}`) + written('weft', 'example.com/other')
  assert.equal(statusOf(taken, 'Gateway/default/edge'), undefined)
  assert.equal(statusOf(taken, 'GatewayClass//weft'), undefined)
})

test('addresses that cannot be had are told', () => {
  const asked = (addresses: string): string[] =>
    brief(
      statusOf(gateway(`gatewayClassName: weft, ${httpListener}, addresses: [${addresses}]`), 'Gateway/default/edge')
        ?.conditions,
    )
  assert.deepEqual(asked('{ value: 127.0.0.1 }'), ['Accepted True Accepted', 'Programmed True Programmed'])
  assert.deepEqual(asked('{ value: 192.0.2.1 }'), ['Accepted True Accepted', 'Programmed False AddressNotUsable'])
  assert.deepEqual(asked('{ type: example.com/vip, value: a }'), [
    'Accepted False UnsupportedAddress',
    'Programmed False UnsupportedAddress',
  ])
})

const ofDeployments = settings('deployments', 'deployment: "spec: { replicas: 2 }"')

test('a Gateway whose parameters are of an unknown kind, are not there or say something else is not accepted and not served', () => {
  const told = (ref: string, more = ''): unknown => {
    const status = statusOf(
      gateway(`gatewayClassName: weft, ${httpListener}, infrastructure: { parametersRef: { ${ref} } }`) + more,
      'Gateway/default/edge',
    )
    return [brief(status?.conditions), status?.addresses?.length, brief(status?.listeners?.[0]?.conditions)[1]]
  }
  const refused = [
    ['Accepted False InvalidParameters', 'Programmed False InvalidParameters'],
    0,
    'Programmed False Invalid',
  ]
  assert.deepEqual(told('group: example.com, kind: Settings, name: a'), refused)
  assert.deepEqual(told('group: "", kind: ConfigMap, name: deployments'), refused)
  assert.deepEqual(told('group: "", kind: ConfigMap, name: odd', settings('odd', 'color: red')), refused)
  assert.deepEqual(told('group: "", kind: ConfigMap, name: deployments', ofDeployments), [
    ['Accepted True Accepted', 'Programmed True Programmed'],
    1,
    'Programmed True Programmed',
  ])
})

test('a GatewayClass or an XMesh with such parameters is not accepted; what is served goes on', () => {
  const told = (apiVersion: string, kind: string, ref: string): string[] => {
    const yaml = `
---
apiVersion: ${apiVersion}
kind: ${kind}
metadata: { name: weft }
spec: { controllerName: weft.dev/gateway-controller, parametersRef: { ${ref} } }
`
    const files = gateway(`gatewayClassName: weft, ${httpListener}`) + ofDeployments + yaml
    const key = `${apiVersion.split('/')[0]}/${kind}//weft`
    assert.deepEqual(brief(statusOf(files, 'Gateway/default/edge')?.conditions), [
      'Accepted True Accepted',
      'Programmed True Programmed',
    ])
    return brief(statusByKey(files, key)?.conditions)
  }
  for (const [apiVersion, kind] of [
    ['gateway.networking.k8s.io/v1', 'GatewayClass'],
    ['gateway.networking.x-k8s.io/v1alpha1', 'XMesh'],
  ] as const) {
    const map = 'group: "", kind: ConfigMap, name: deployments'
    assert.deepEqual(told(apiVersion, kind, `${map}, namespace: default`), ['Accepted True Accepted'])
    assert.deepEqual(told(apiVersion, kind, map), ['Accepted False InvalidParameters'])
    assert.deepEqual(told(apiVersion, kind, `${map}, namespace: other`), ['Accepted False InvalidParameters'])
    assert.deepEqual(told(apiVersion, kind, 'group: a.b, kind: C, name: d'), ['Accepted False InvalidParameters'])
  }
})

test('listeners without certificate, of unknown protocol or with kinds they do not carry say so', () => {
  const listeners = [
    '{ name: tls, protocol: HTTPS, port: 8443, tls: { certificateRefs: [{ name: missing }] } }',
    '{ name: odd, protocol: example.com/quic, port: 8444 }',
    '{ name: kinds, protocol: HTTP, port: 8080, allowedRoutes: { kinds: [{ kind: HTTPRoute }, { kind: TCPRoute }] } }',
  ]
  const status = statusOf(
    gateway(`gatewayClassName: weft, listeners: [${listeners.join(', ')}]`),
    'Gateway/default/edge',
  )
  assert.deepEqual(brief(status?.conditions), ['Accepted True ListenersNotValid', 'Programmed True Programmed'])
  assert.deepEqual(
    status?.listeners?.map(({ name, conditions }) => [name, ...brief(conditions).slice(0, 3)]),
    [
      ['tls', 'Accepted True Accepted', 'Programmed False Invalid', 'ResolvedRefs False InvalidCertificateRef'],
      ['odd', 'Accepted False UnsupportedProtocol', 'Programmed False Invalid', 'ResolvedRefs True ResolvedRefs'],
      ['kinds', 'Accepted True Accepted', 'Programmed True Programmed', 'ResolvedRefs False InvalidRouteKinds'],
    ],
  )
})

test('a route is told what is wrong with its backends and filters, parent by parent', () => {
  const route = (rules: string): string => `
---
${api}
kind: HTTPRoute
metadata: { name: r }
spec: { parentRefs: [{ name: edge }, { name: nobody }], rules: [${rules}] }
---
apiVersion: v1
kind: Service
metadata: { name: catalog }
spec: { selector: { app: catalog }, ports: [{ port: 80 }] }
`
  const told = (rules: string, more = ''): string[][] | undefined =>
    statusOf(
      gateway(`gatewayClassName: weft, ${httpListener}`) + route(rules) + more,
      'HTTPRoute/default/r',
    )?.parents?.map(({ parentRef, conditions }) => [parentRef.name, ...brief(conditions)])
  const extension = 'filters: [{ type: ExtensionRef, extensionRef: { group: a.b, kind: C, name: d } }]'
  assert.deepEqual(told('{ backendRefs: [{ name: catalog, port: 80 }] }'), [
    ['edge', 'Accepted True Accepted', 'ResolvedRefs True ResolvedRefs'],
  ])
  assert.deepEqual(told('{ backendRefs: [{ name: catalog, port: 81 }] }'), [
    ['edge', 'Accepted True Accepted', 'ResolvedRefs False BackendNotFound'],
  ])
  assert.deepEqual(told('{ backendRefs: [{ name: b, group: a.b, kind: Bucket }] }'), [
    ['edge', 'Accepted True Accepted', 'ResolvedRefs False InvalidKind'],
  ])
  assert.deepEqual(told('{ backendRefs: [{ name: catalog, namespace: other, port: 80 }] }'), [
    ['edge', 'Accepted True Accepted', 'ResolvedRefs False RefNotPermitted'],
  ])
  assert.deepEqual(told(`{ backendRefs: [{ name: catalog, port: 80 }] }, { ${extension} }`), [
    ['edge', 'Accepted True Accepted', 'ResolvedRefs False InvalidKind'],
  ])
  assert.deepEqual(told(`{ ${extension.replace('a.b, kind: C', 'weft.dev, kind: RateLimit')} }`), [
    ['edge', 'Accepted True Accepted', 'ResolvedRefs False FilterNotFound'],
  ])
  const redirect = '{ type: RequestRedirect, requestRedirect: { scheme: https } }'
  const limited = extension.replace('a.b, kind: C, name: d', 'weft.dev, kind: RateLimit, name: few')
  const few = `
---
apiVersion: weft.dev/v1alpha1
kind: RateLimit
metadata: { name: few }
spec: { limits: [{ requests: 1 }] }
`
  assert.deepEqual(told(`{ ${limited}, backendRefs: [{ name: catalog, port: 80 }] }`, few), [
    ['edge', 'Accepted True Accepted', 'ResolvedRefs True ResolvedRefs'],
  ])
  assert.deepEqual(told(`{ ${limited.replace('[', `[${redirect}, `)} }`, few), [
    ['edge', 'Accepted False UnsupportedValue', 'ResolvedRefs True ResolvedRefs'],
  ])
  const redirecting = `{ name: catalog, port: 80, filters: [${redirect}] }`
  assert.deepEqual(told(`{ backendRefs: [${redirecting}] }`), [
    ['edge', 'Accepted True Accepted', 'ResolvedRefs True ResolvedRefs'],
  ])
  assert.deepEqual(told(`{ backendRefs: [${redirecting}, { name: catalog, port: 80 }] }`), [
    ['edge', 'Accepted False UnsupportedValue', 'ResolvedRefs True ResolvedRefs'],
  ])
  assert.deepEqual(told(`{ ${limited}, backendRefs: [${redirecting}] }`, few), [
    ['edge', 'Accepted False UnsupportedValue', 'ResolvedRefs True ResolvedRefs'],
  ])
})

test('of two policies on one Service the older is accepted', () => {
  const policy = (name: string, created: string): string => `
---
${api}
kind: BackendTLSPolicy
metadata: { name: ${name}, creationTimestamp: '${created}' }
spec:
  targetRefs: [{ group: '', kind: Service, name: catalog }]
  validation: { hostname: catalog.example, wellKnownCACertificates: System }
`
  const yaml = `${gateway(`gatewayClassName: weft, ${httpListener}`)}
---
${api}
kind: HTTPRoute
metadata: { name: r }
spec: { parentRefs: [{ name: edge }], rules: [{ backendRefs: [{ name: catalog, port: 80 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: catalog }
spec: { selector: { app: catalog }, ports: [{ port: 80 }] }
${policy('a', '2026-01-02T00:00:00Z')}${policy('b', '2026-01-01T00:00:00Z')}`
  const told = (name: string): string[] =>
    brief(statusOf(yaml, `BackendTLSPolicy/default/${name}`)?.ancestors?.[0]?.conditions)
  assert.deepEqual(told('a'), ['Accepted False Conflicted', 'ResolvedRefs True ResolvedRefs'])
  assert.deepEqual(told('b'), ['Accepted True Accepted', 'ResolvedRefs True ResolvedRefs'])
})
