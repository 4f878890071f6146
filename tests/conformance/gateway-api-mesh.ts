// The mesh that the Gateway API's behaviour is shown on: a few applications, one Gateway, and what is asked of it.
export const applications = ['one', 'two', 'three']
  .map(
    (name) => `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: ${name}, namespace: infra, labels: { app: ${name} } }
spec: { command: [${name}], serviceAccount: ${name}, ports: [{ name: http, port: 8080 }, { name: tcp, port: 7000 }, { name: grpc, port: 50051 }] }
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: infra }
spec:
  selector: { app: ${name} }
  ports: [{ name: http, port: 8080 }, { name: tcp, port: 7000 }, { name: grpc, port: 50051 }]
`,
  )
  .join('---')

/** Applications of another namespace. */
export const elsewhere = `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: far, namespace: backends, labels: { app: far } }
spec: { command: [far], serviceAccount: far, ports: [{ name: http, port: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: far, namespace: backends }
spec: { selector: { app: far }, ports: [{ name: http, port: 8080 }] }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: secure, namespace: infra, labels: { app: secure } }
spec: { command: [secure], proxy: none, ports: [{ name: https, port: 9443 }, { name: udp, port: 5353 }] }
---
apiVersion: v1
kind: Service
metadata: { name: secure, namespace: infra }
spec:
  selector: { app: secure }
  ports: [{ name: https, port: 443, targetPort: 9443 }, { name: dns, port: 53, targetPort: 5353, protocol: UDP }]
---
apiVersion: v1
kind: Service
metadata: { name: untrusted, namespace: infra }
spec: { selector: { app: secure }, ports: [{ name: https, port: 443, targetPort: 9443 }] }
`

const to = (name: string): string => `backendRefs: [{ name: ${name}, port: 8080 }]`

/** An HTTPRoute of `infra` at the Gateway, under one host name. */
function route(
  name: string,
  rules: readonly string[],
  more = 'parentRefs: [{ name: edge, sectionName: http }]',
): string {
  return `
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: infra }
spec:
  ${more}
  hostnames: [${name}.example]
  rules:
${rules.map((rule) => `    - ${rule}`).join('\n')}
`
}

const filter = (text: string): string => `filters: [${text}]`

/** Gateway and routes; \`certificate\` and \`key\` are PEM for the HTTPS listeners. */
export function gatewayAndRoutes({
  certificate,
  key,
  root,
}: Readonly<Record<'certificate' | 'key' | 'root', string>>): string {
  const pem = (text: string): string => JSON.stringify(text)
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge, namespace: infra }
spec:
  gatewayClassName: weft
  listeners:
    - { name: http, protocol: HTTP, port: 8080 }
    - { name: isolated, protocol: HTTP, port: 8080, hostname: '*.isolated.example' }
    - { name: narrow, protocol: HTTP, port: 8080, hostname: narrow.isolated.example }
    - { name: tls-a, protocol: HTTPS, port: 8443, hostname: a.tls.example, tls: { certificateRefs: [{ name: edge }] } }
    - { name: tls-b, protocol: HTTPS, port: 8443, hostname: b.tls.example, tls: { certificateRefs: [{ name: edge }] } }
    - { name: tcp, protocol: TCP, port: 7000 }
    - { name: pass, protocol: TLS, port: 8443, hostname: secure.example, tls: { mode: Passthrough } }
    - { name: udp, protocol: UDP, port: 5353 }
---
apiVersion: v1
kind: Secret
metadata: { name: edge, namespace: infra }
type: kubernetes.io/tls
stringData: { tls.crt: ${pem(certificate)}, tls.key: ${pem(key)} }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: authorities, namespace: infra }
data: { ca.crt: ${pem(root)} }
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: secure, namespace: infra }
spec:
  targetRefs: [{ group: '', kind: Service, name: secure }]
  validation: { hostname: secure.example, caCertificateRefs: [{ group: '', kind: ConfigMap, name: authorities }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: untrusted, namespace: infra }
spec:
  targetRefs: [{ group: '', kind: Service, name: untrusted }]
  validation: { hostname: other.example, caCertificateRefs: [{ group: '', kind: ConfigMap, name: authorities }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: { name: pass, namespace: infra }
spec: { parentRefs: [{ name: edge, sectionName: pass }], hostnames: [secure.example], rules: [{ backendRefs: [{ name: secure, port: 443 }] }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: { name: datagrams, namespace: infra }
spec: { parentRefs: [{ name: edge, sectionName: udp }], rules: [{ backendRefs: [{ name: secure, port: 53 }] }] }
${route('secured', [
  '{ matches: [{ path: { value: /trusted } }], backendRefs: [{ name: secure, port: 443 }] }',
  '{ matches: [{ path: { value: /untrusted } }], backendRefs: [{ name: untrusted, port: 443 }] }',
])}
${route('browser', [
  `{ ${filter('{ type: CORS, cors: { allowOrigins: ["https://*.shop.example"], allowMethods: [GET], allowCredentials: true } }')}, ${to('one')} }`,
])}
${route('match', [
  `{ matches: [{ path: { type: Exact, value: /one } }], ${to('one')} }`,
  `{ matches: [{ path: { value: /two } }, { headers: [{ name: version, value: two }] }], ${to('two')} }`,
  `{ matches: [{ path: { type: RegularExpression, value: '/b[0-9]+' } }, { method: PATCH }, { queryParams: [{ name: app, value: three }] }], ${to('three')} }`,
  `{ matches: [{ path: { value: /two/one } }], ${to('one')} }`,
  to('one').replace('one', 'three'),
])}
${route('headers', [
  `{ ${filter('{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: x-set, value: new }], add: [{ name: x-add, value: more }], remove: [x-gone] } }, { type: ResponseHeaderModifier, responseHeaderModifier: { set: [{ name: x-answer, value: "100%" }] } }')}, ${to('one')} }`,
])}
${route('redirect', [
  `{ matches: [{ path: { value: /host } }], ${filter('{ type: RequestRedirect, requestRedirect: { hostname: example.org, statusCode: 301 } }')} }`,
  `{ matches: [{ path: { value: /scheme } }], ${filter('{ type: RequestRedirect, requestRedirect: { scheme: https, hostname: example.org } }')} }`,
  `{ matches: [{ path: { value: /port } }], ${filter('{ type: RequestRedirect, requestRedirect: { hostname: example.org, port: 8083, statusCode: 307 } }')} }`,
  `{ matches: [{ path: { value: /prefix } }], ${filter('{ type: RequestRedirect, requestRedirect: { hostname: example.org, port: 80, path: { type: ReplacePrefixMatch, replacePrefixMatch: /new } } }')} }`,
  `{ matches: [{ path: { value: /full } }], ${filter('{ type: RequestRedirect, requestRedirect: { hostname: example.org, port: 80, path: { type: ReplaceFullPath, replaceFullPath: /whole } } }')} }`,
])}
${route('rewrite', [
  `{ matches: [{ path: { value: /strip } }], ${filter('{ type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: / } } }')}, ${to('one')} }`,
  `{ matches: [{ path: { value: /prefix } }], ${filter('{ type: URLRewrite, urlRewrite: { hostname: inside.example, path: { type: ReplacePrefixMatch, replacePrefixMatch: /new } } }')}, ${to('one')} }`,
  `{ matches: [{ path: { value: /full } }], ${filter('{ type: URLRewrite, urlRewrite: { path: { type: ReplaceFullPath, replaceFullPath: /whole } } }')}, ${to('one')} }`,
  `{ matches: [{ path: { value: / } }], ${filter('{ type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /all } } }')}, ${to('one')} }`,
])}
${route('backends', [
  '{ matches: [{ path: { value: /split } }], backendRefs: [{ name: one, port: 8080, weight: 1 }, { name: two, port: 8080, weight: 0 }] }',
  '{ matches: [{ path: { value: /missing } }], backendRefs: [{ name: nobody, port: 8080 }] }',
  '{ matches: [{ path: { value: /half } }], backendRefs: [{ name: one, port: 8080 }, { name: nobody, port: 8080 }] }',
  '{ matches: [{ path: { value: /granted } }], backendRefs: [{ name: far, namespace: backends, port: 8080 }] }',
  '{ matches: [{ path: { value: /forbidden } }], backendRefs: [{ name: other, namespace: backends, port: 8080 }] }',
  `{ matches: [{ path: { value: /extension } }], ${filter('{ type: ExtensionRef, extensionRef: { group: a.b, kind: C, name: d } }')}, ${to('one')} }`,
  `{ matches: [{ path: { value: /slow } }], timeouts: { request: 300ms }, ${to('one')} }`,
  `{ matches: [{ path: { value: /flaky } }], retry: { attempts: 2, codes: [503], backoff: 25ms }, ${to('one')} }`,
])}
${route('copied', [`{ ${filter('{ type: RequestMirror, requestMirror: { backendRef: { name: two, port: 8080 } } }')}, ${to('one')} }`])}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: isolated, namespace: infra }
spec: { parentRefs: [{ name: edge, sectionName: isolated }], rules: [{ matches: [{ path: { value: /wild } }], ${to('one')} }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: narrow, namespace: infra }
spec: { parentRefs: [{ name: edge, sectionName: narrow }], rules: [{ matches: [{ path: { value: /narrow } }], ${to('two')} }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: tls, namespace: infra }
spec: { parentRefs: [{ name: edge, port: 8443 }], rules: [{ ${to('one')} }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: calls, namespace: infra }
spec:
  parentRefs: [{ name: edge, sectionName: http }]
  hostnames: [grpc.example]
  rules:
    - matches: [{ method: { service: shop.Greeter, method: Hello } }]
      backendRefs: [{ name: one, port: 50051 }]
    - matches: [{ method: { service: shop.Greeter } }]
      backendRefs: [{ name: two, port: 50051 }]
    - matches: [{ method: { method: Gone } }]
      backendRefs: [{ name: nobody, port: 50051 }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: { name: bytes, namespace: infra }
spec: { parentRefs: [{ name: edge, sectionName: tcp }], rules: [{ backendRefs: [{ name: one, port: 7000 }] }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: far, namespace: backends }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: infra }]
  to: [{ group: '', kind: Service, name: far }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: producer, namespace: infra }
spec:
  parentRefs: [{ group: '', kind: Service, name: one, port: 8080 }]
  rules:
    - matches: [{ path: { value: /two } }]
      backendRefs: [{ name: two, port: 8080 }]
    - filters: [{ type: ResponseHeaderModifier, responseHeaderModifier: { set: [{ name: x-route, value: producer }] } }]
      backendRefs: [{ name: one, port: 8080 }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: consumer, namespace: backends }
spec:
  parentRefs: [{ group: '', kind: Service, name: one, namespace: infra }]
  rules:
    - filters: [{ type: ResponseHeaderModifier, responseHeaderModifier: { set: [{ name: x-route, value: consumer }] } }]
      backendRefs: [{ name: one, namespace: infra, port: 8080 }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: consumers, namespace: infra }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: backends }]
  to: [{ group: '', kind: Service }]
`
}
