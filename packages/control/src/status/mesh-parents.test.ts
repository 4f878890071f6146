// What is said of routes, policies and backends inside the mesh, where Services are the parents.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Condition } from './conditions.ts'
import { api, brief, settings, statusByKey, statusOf } from './statuses-under-test.ts'

const meshParent = `
---
apiVersion: v1
kind: Service
metadata: { name: shop }
spec:
  selector: { app: shop }
  ports: [{ name: http, port: 80 }, { name: tls, port: 8443 }, { name: dns, port: 53, protocol: UDP }]
`
const meshRoute = (
  kind: string,
  ref: string,
  spec = 'rules: [{ backendRefs: [{ name: shop, port: 80 }] }]',
): string => `
---
${api}
kind: ${kind}
metadata: { name: inside }
spec: { parentRefs: [{ group: '', kind: Service, name: shop${ref} }], ${spec} }
`
const meshConditions = (kind: string, ref: string, spec?: string): readonly Condition[] =>
  statusOf(meshParent + meshRoute(kind, ref, spec), `${kind}/default/inside`)?.parents?.[0]?.conditions ?? []

test('a route with a Service as parent says whether its connections can go by it', () => {
  const named = 'hostnames: [a.example], rules: [{ backendRefs: [{ name: shop, port: 8443 }] }]'
  assert.deepEqual(brief(meshConditions('TLSRoute', ', port: 8443', named)), [
    'Accepted True Accepted',
    'ResolvedRefs True ResolvedRefs',
  ])
  const http = meshConditions('TLSRoute', ', port: 80', named)
  assert.equal(brief(http)[0], 'Accepted False NoMatchingParent')
  assert.match(http[0]?.message ?? '', /port 80 of Service shop speaks HTTP.*use an HTTPRoute/)
  const datagrams = meshConditions('UDPRoute', ', port: 53', 'rules: [{ backendRefs: [{ name: shop, port: 53 }] }]')
  assert.deepEqual(brief(datagrams), ['Accepted True Accepted', 'ResolvedRefs True ResolvedRefs'])
})

test('a UDPRoute with a Service as parent is for UDP ports alone', () => {
  const rule = 'rules: [{ backendRefs: [{ name: shop, port: 53 }] }]'
  const told = (ref: string): string => meshConditions('UDPRoute', ref, rule)[0]?.message ?? ''
  assert.equal(told(''), '')
  assert.equal(told(', sectionName: dns'), '')
  assert.equal(told(', port: 80'), 'Service shop has no UDP port 80; it has 53')
  assert.equal(told(', sectionName: http'), 'Service shop has no UDP port http; it has 53')
  assert.match(
    meshConditions('TCPRoute', ', port: 53')[0]?.message ?? '',
    /Service shop has no port 53; it has 80, 8443/,
  )
  const without = meshParent.replace('protocol: UDP', 'protocol: TCP') + meshRoute('UDPRoute', '', rule)
  const [accepted] = statusOf(without, 'UDPRoute/default/inside')?.parents?.[0]?.conditions ?? []
  assert.equal(accepted?.reason, 'NoMatchingParent')
  assert.match(accepted?.message ?? '', /Service shop has no UDP port; write `protocol: UDP`/)
})

test('a route is told that a ServiceEntry takes none, and does not hold for a Service of that name', () => {
  const entry = `
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: shop }
spec: { hosts: [shop.example.org], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: DNS }
`
  const route = meshRoute('HTTPRoute', '').replace(
    "group: '', kind: Service",
    'group: networking.istio.io, kind: ServiceEntry',
  )
  const [told] = statusOf(meshParent + entry + route, 'HTTPRoute/default/inside')?.parents ?? []
  assert.deepEqual(brief(told?.conditions), ['Accepted False NoMatchingParent', 'ResolvedRefs True ResolvedRefs'])
  assert.match(told?.conditions[0]?.message ?? '', /not for ServiceEntry shop; use a VirtualService/)
})

test('a BackendTLSPolicy on what sidecars send to says that it holds at Gateways alone', () => {
  const policy = `
---
${api}
kind: BackendTLSPolicy
metadata: { name: secure }
spec:
  targetRefs: [{ group: '', kind: Service, name: shop }]
  validation: { hostname: shop.example, wellKnownCACertificates: System }
`
  const status = statusOf(meshParent + meshRoute('HTTPRoute', '') + policy, 'BackendTLSPolicy/default/secure')
  assert.deepEqual(brief(status?.ancestors?.[0]?.conditions), ['Accepted False Invalid'])
  assert.match(status?.ancestors?.[0]?.conditions[0]?.message ?? '', /as the mesh does: .* at Gateways alone/)
})

test('of two XBackendTrafficPolicies on what sidecars send to the older holds there, and says so', () => {
  const policy = (name: string, created: string): string => `
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackendTrafficPolicy
metadata: { name: ${name}, creationTimestamp: '${created}' }
spec:
  targetRefs: [{ group: '', kind: Service, name: shop }]
  retryConstraint: { budget: { percent: 10, interval: 1s } }
`
  const policies = policy('late', '2026-01-02T00:00:00Z') + policy('early', '2026-01-01T00:00:00Z')
  const told = (name: string, kind = 'HTTPRoute', spec?: string): string[][] | undefined =>
    statusByKey(
      meshParent + meshRoute(kind, '', spec) + policies,
      `gateway.networking.x-k8s.io/XBackendTrafficPolicy/default/${name}`,
    )?.ancestors?.map(({ ancestorRef, conditions }) => [
      `${ancestorRef.kind} ${ancestorRef.name}`,
      ...brief(conditions),
    ])
  assert.deepEqual(told('early'), [['Service shop', 'Accepted True Accepted']])
  assert.deepEqual(told('late'), [['Service shop', 'Accepted False Conflicted']])
  assert.equal(told('early', 'TCPRoute', 'rules: [{ backendRefs: [{ name: shop, port: 8443 }] }]'), undefined)
})

test('an XBackend has an entry for each Service whose callers are sent to it', () => {
  const backend = (validation: string): string => `
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: { name: outside }
spec:
  type: ExternalHostname
  externalHostname: { hostname: api.example.org }
  port: { port: 443 }
  protocol: HTTP
  tls: { mode: ServerOnly, validation: { hostname: api.example.org, ${validation} } }
`
  const outside = 'rules: [{ backendRefs: [{ group: gateway.networking.x-k8s.io, kind: XBackend, name: outside }] }]'
  const told = (validation: string, ref = '', more = ''): string[][] | undefined =>
    statusByKey(
      meshParent + meshRoute('HTTPRoute', ref, outside) + backend(validation) + more,
      'gateway.networking.x-k8s.io/XBackend/default/outside',
    )?.parents?.map(({ parentRef, conditions }) => [parentRef.name, ...brief(conditions)])
  const ca = 'caCertificateRefs: [{ group: "", kind: ConfigMap, name: ca }]'
  const good = ['Accepted True Accepted', 'ResolvedRefs True ResolvedRefs']
  assert.deepEqual(told('wellKnownCACertificates: System'), [['shop', ...good]])
  assert.deepEqual(told(ca), [
    ['shop', 'Accepted False NoValidCACertificate', 'ResolvedRefs False InvalidCACertificateRef'],
  ])
  const authority = settings('ca', 'ca.crt: "-----BEGIN CERTIFICATE-----\\nY2E=\\n-----END CERTIFICATE-----\\n"')
  assert.deepEqual(told(ca, '', authority), [['shop', ...good]])
  assert.equal(told('wellKnownCACertificates: System', ', port: 9999'), undefined, 'no caller goes by the route')
})
