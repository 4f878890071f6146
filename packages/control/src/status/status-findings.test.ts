// A directory is checked without asking for the status of each object: what it says is wrong is a finding with its place.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem, type Problem } from '@weft/resources'
import { buildOffline } from '../build-offline.ts'
import { statusFindings } from './status-findings.ts'
import { api } from './statuses-under-test.ts'

const gateway = `
${api}
kind: Gateway
metadata: { name: public, namespace: shop }
spec:
  gatewayClassName: weft
  listeners:
    - { name: http, port: 8000, protocol: HTTP, hostname: a.example }
`
const books = `
---
apiVersion: v1
kind: Service
metadata: { name: books, namespace: shop }
spec: { ports: [{ name: http, port: 80 }] }
`
const route = (spec: string, kind = 'HTTPRoute'): string => `
---
${api}
kind: ${kind}
metadata: { name: books, namespace: shop }
spec: ${spec}
`

function findings(yaml: string, told: readonly Problem[] = []): string[] {
  const mesh = buildOffline([{ name: 'f.yaml', text: yaml }])
  assert.deepEqual(
    mesh.problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  return statusFindings(mesh, told).map(formatProblem)
}

test('a route that everybody takes, and a Gateway that is served, have no findings', () => {
  const good = route('{ parentRefs: [{ name: public }], rules: [{ backendRefs: [{ name: books, port: 80 }] }] }')
  assert.deepEqual(findings(gateway + books + good), [])
})

test('every backend that leads nowhere is told where it is written, once, however many parents there are', () => {
  const spec = `{ parentRefs: [{ name: public }, { name: books, group: "", kind: Service }], rules: [{
    filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: gone, port: 80 } } }],
    backendRefs: [{ name: books, port: 81 }, { name: books, namespace: other, port: 80 }] }] }`
  assert.deepEqual(
    findings(gateway + books + route(spec)).map((line) => line.replace(/\. .*/, '')),
    [
      'f.yaml:21:55: warning: HTTPRoute shop/books: spec.rules[0].filters[0].requestMirror.backendRef: what is sent there is answered with 500 (BackendNotFound): there is no Service shop/gone',
      'f.yaml:22:19: warning: HTTPRoute shop/books: spec.rules[0].backendRefs[0]: what is sent there is answered with 500 (BackendNotFound): Service shop/books has no port 81; it has 80',
      'f.yaml:22:46: warning: HTTPRoute shop/books: spec.rules[0].backendRefs[1]: what is sent there is answered with 500 (RefNotPermitted): no ReferenceGrant in namespace other lets HTTPRoutes of shop refer to Service books',
    ],
  )
})

test('connections to a backend that is not there are dropped, and not answered', () => {
  const spec =
    '{ parentRefs: [{ name: books, group: "", kind: Service }], rules: [{ backendRefs: [{ name: gone, port: 1 }] }] }'
  assert.match(
    findings(books.replace('name: http', 'name: tcp') + route(spec, 'TCPRoute'))[0] ?? '',
    /what is sent there is dropped/,
  )
})

test('each parent that does not take a route is told with its reason and its mend', () => {
  const spec =
    '{ hostnames: [b.example], parentRefs: [{ name: public, sectionName: http }, { name: public, sectionName: nope }] }'
  const [first = '', second = ''] = findings(gateway + route(spec))
  assert.match(
    first,
    /spec\.parentRefs\[0\]: nothing comes to the route from there \(NoMatchingListenerHostname\): .*a\.example/,
  )
  assert.match(
    second,
    /spec\.parentRefs\[1\]: .*\(NoMatchingParent\): Gateway public has no listener of name nope\. Correct/,
  )
})

test('a parent that nobody serves is told: it is missing, is in another namespace, or is of another class', () => {
  const spec = '{ parentRefs: [{ name: nope }, { name: public, namespace: default }, { name: foreign }] }'
  const foreign = `
---
${api}
kind: Gateway
metadata: { name: foreign, namespace: shop }
spec: { gatewayClassName: istio, listeners: [{ name: http, port: 80, protocol: HTTP }] }
`
  const lines = findings(gateway + route(spec) + foreign)
  assert.match(
    lines[0] ?? '',
    /spec\.parentRefs\[0\]: there is no Gateway shop\/nope, .* Add the Gateway.*\[IST0101\]$/,
  )
  assert.match(lines[1] ?? '', /there is no Gateway default\/public, .* Write namespace: shop/)
  assert.match(lines[2] ?? '', /Gateway shop\/foreign is served by nobody here.*\[WEFT0112\]$/)
  assert.match(
    lines[3] ?? '',
    /warning: Gateway shop\/foreign: spec\.gatewayClassName: .*there is no GatewayClass istio/,
  )
})

test('a Gateway that another controller is there for is no mistake', () => {
  const others = `
---
${api}
kind: GatewayClass
metadata: { name: nginx }
spec: { controllerName: nginx.example/controller }
---
${api}
kind: Gateway
metadata: { name: edge, namespace: shop }
spec: { gatewayClassName: nginx, listeners: [{ name: http, port: 80, protocol: HTTP }] }
`
  const lines = findings(others + route('{ parentRefs: [{ name: edge }] }'))
  assert.equal(lines.length, 2)
  for (const line of lines) assert.match(line, /: info: /)
})

test('a route without parents has no effect, unless it asks for the default Gateways and there is one', () => {
  assert.match(findings(route('{ hostnames: [a.example] }'))[0] ?? '', /has no effect: it has no parentRefs/)
  const asking = route('{ useDefaultGateways: All }')
  assert.match(findings(gateway + asking)[0] ?? '', /has no effect: no Gateway has defaultScope: All/)
  assert.deepEqual(findings(gateway.replace('spec:', 'spec:\n  defaultScope: All') + asking), [])
})

test('a listener is told with its reason, and the Gateway does not tell it again', () => {
  const tls = gateway.replace(
    'listeners:',
    'listeners:\n    - { name: https, port: 8443, protocol: HTTPS, tls: { certificateRefs: [{ name: nope }] } }',
  )
  const lines = findings(tls)
  assert.equal(lines.length, 1)
  assert.match(
    lines[0] ?? '',
    /spec\.listeners\[0\]: is not served \(InvalidCertificateRef\): there is no Secret shop\/nope/,
  )
})

test('listeners that conflict are told on both sides', () => {
  const twice = gateway.replace('listeners:', 'listeners:\n    - { name: bytes, port: 8000, protocol: TCP }')
  const lines = findings(twice)
  assert.equal(lines.length, 2)
  for (const line of lines) assert.match(line, /is not in force \(ProtocolConflict\)/)
})

test('a listener says why it is not served, and not only that it is invalid', () => {
  const odd = gateway.replace('protocol: HTTP', 'protocol: acme.io/odd')
  assert.match(findings(odd)[0] ?? '', /is not in force \(UnsupportedProtocol\).* Write HTTP, HTTPS/)
})

test('a ListenerSet whose Gateway is not there listens nowhere; one whose Gateway is refused is told of there', () => {
  const set = `
---
${api}
kind: ListenerSet
metadata: { name: more, namespace: shop }
spec: { parentRef: { name: public }, listeners: [{ name: http, port: 9000, protocol: HTTP }] }
`
  assert.match(
    findings(set)[0] ?? '',
    /spec\.parentRef: there is no Gateway shop\/public, so nothing listens.*\[IST0101\]$/,
  )
  const broken = gateway.replace('a.example', 'A.EXAMPLE')
  const mesh = buildOffline([{ name: 'f.yaml', text: broken + set + route('{ parentRefs: [{ name: public }] }') }])
  assert.equal(mesh.problems[0]?.severity, 'error')
  assert.deepEqual(statusFindings(mesh, mesh.problems), [])
})

test('what another finding tells of the same field is not told again', () => {
  const spec = '{ parentRefs: [{ name: public }], rules: [{ backendRefs: [{ name: gone, port: 80 }] }] }'
  const mesh = buildOffline([{ name: 'f.yaml', text: gateway + route(spec) }])
  const [only] = statusFindings(mesh, [])
  assert.ok(only !== undefined)
  assert.deepEqual(statusFindings(mesh, [only]), [])
})
