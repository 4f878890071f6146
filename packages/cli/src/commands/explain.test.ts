// `weft explain` as a process, offline on the bookstore.
import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Run, weft as runWeft, workloadAndService } from '../weft-under-test.ts'

const weft = (...args: readonly string[]): Run => runWeft(['explain', ...args])

const bookstore = ['-f', 'examples/bookstore'] as const

test('a request is explained step by step, with the line of YAML behind each', () => {
  const { status, stdout } = weft('--from', 'web', 'GET', 'http://catalog/books', '-H', 'x-user: jason', ...bookstore)
  assert.equal(status, 0)
  assert.match(stdout, /route +jason-tests-v2 .*examples\/bookstore\/mesh\/catalog-routing\.yaml:\d+/)
  assert.match(stdout, /endpoint +127\.66\.\d+\.\d+:8080 \(least-request, mutual TLS\)/)
  assert.match(stdout, /the peer is spiffe:\/\/cluster\.local\/ns\/bookstore\/sa\/web .*STRICT.*security\.yaml:\d+/)
  assert.match(stdout, /allowed: ALLOW policy .*security\.yaml:\d+/)
  assert.match(stdout, /=> 200: handed to the application behind catalog-v2-0\.bookstore/)
  assert.doesNotMatch(stdout, /\x1b\[/, 'no colours into a pipe')
})

test('a rule that lost says why, and what would make it win', () => {
  const { stdout } = weft('--from', 'web', 'GET', 'http://catalog/books', '--draw', '95', ...bookstore)
  assert.match(stdout, /not jason-tests-v2: header x-user is exactly "jason", seen nothing/)
  assert.match(stdout, /it would be with header x-user "jason"/)
  assert.match(stdout, /outbound\|80\|v2\|catalog.* weight 10 of 100 \(10 %\), random draw 95/)
})

test('a caller that no policy names is refused by the far end', () => {
  const { status, stdout } = weft('--from', 'inventory', 'POST', 'http://orders/orders', '-o', 'json', ...bookstore)
  assert.equal(status, 0)
  const explained = JSON.parse(stdout) as {
    status: number
    reason: string
    places: Record<string, { file: string; line: number }>
  }
  assert.equal(explained.status, 403)
  assert.match(explained.reason, /^orders-0\.bookstore: denied/)
  assert.ok(Object.values(explained.places).every(({ file, line }) => file.endsWith('.yaml') && line > 0))
})

test('unknown workloads and wrong usage have their own exit codes', () => {
  const unknown = weft('--from', 'nobody', 'GET', 'http://catalog/', ...bookstore)
  assert.equal(unknown.status, 1)
  assert.match(unknown.stderr, /no workload nobody has a proxy; there are .*catalog-v1/)
  assert.equal(weft('--from', 'web', 'GET', 'catalog', ...bookstore).status, 2)
  assert.equal(weft('GET', 'http://catalog/', ...bookstore).status, 2)
  assert.equal(weft('--from', 'web', 'GET', 'http://catalog/', '-f', 'no-such-dir').status, 1)
})

test('a TLS connection is explained by the server name that it asks for', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-explain-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const golden = join(import.meta.dirname, '../../../control/golden/gateway-api/mesh-names/in.yaml')
  copyFileSync(golden, join(dir, 'mesh.yaml'))
  const asked = (to: string, ...more: readonly string[]): string => weft('--from', 'web', to, ...more, '-f', dir).stdout
  assert.match(asked('tls://vault:8443', '--sni', 'two.example'), /outbound\|8443\|\|vault-green/)
  assert.match(asked('tls://vault:8443', '--sni', 'any.many.example'), /outbound\|8443\|\|vault-blue/)
  assert.match(asked('tls://vault.shop:8443'), /^tls:\/\/vault\.shop:8443 from web-0\.shop[^]*BlackHoleCluster/)
  assert.match(asked('tls://mixed:9000', '--sni', ''), /outbound\|8443\|\|vault-green/)
  assert.match(asked('tcp://mixed:9000'), /outbound\|8443\|\|vault-green/)
  const wrong = weft('--from', 'web', 'tcp://vault:8443', '--sni', 'two.example', '-f', dir)
  assert.equal(wrong.status, 2)
  assert.match(wrong.stderr, /--sni goes with tls:/)
})

test('TLS that a DestinationRule begins is refused by a sidecar that asks for a certificate of the mesh, as proxies do', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-explain-'))
  t.after(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, 'mesh.yaml'), `${workloadAndService('web')}${workloadAndService('catalog')}`)
  const asked = (tls: string): string => {
    const rule = 'metadata: { name: begun, namespace: shop }\nspec: { host: catalog, trafficPolicy: { tls: '
    const head = 'apiVersion: networking.istio.io/v1\nkind: DestinationRule\n'
    writeFileSync(join(dir, 'rule.yaml'), `${head}${rule}${tls} } }\n`)
    return weft('--from', 'web', 'GET', 'http://catalog/', '-f', dir).stdout
  }
  const named = 'subjectAltNames: ["spiffe://cluster.local/ns/shop/sa/catalog"]'
  const files = 'caCertificates: /roots.pem, clientCertificate: /own.pem, privateKey: /own-key.pem'
  assert.match(asked('{ mode: ISTIO_MUTUAL }'), /=> 200/)
  assert.match(asked('{ mode: SIMPLE }'), /, TLS\)[^]*=> 503 \(UF\): the server's certificate is of the mesh/)
  assert.match(
    asked('{ mode: SIMPLE, caCertificates: /roots.pem }'),
    /=> 503 \(UF\): the server's certificate names spiffe/,
  )
  assert.match(
    asked(`{ mode: SIMPLE, caCertificates: /roots.pem, ${named} }`),
    /=> 503 \(UF\): .*the client shows none/,
  )
  assert.match(
    asked(`{ mode: MUTUAL, ${files}, ${named} }`),
    /, mutual TLS\)[^]*=> 503 \(UF\): .*web-0\.shop shows another/,
  )
})

test('a host that only the request names is told with its cluster, and not looked up', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-explain-'))
  t.after(() => rmSync(dir, { recursive: true }))
  copyFileSync(join(import.meta.dirname, '../../../control/golden/entries/dynamic/in.yaml'), join(dir, 'mesh.yaml'))
  const asked = (url: string): string => weft('--from', 'web', 'GET', url, '-f', dir).stdout
  assert.match(asked('http://a.many.example/'), /cluster +outbound\|80\|\|\*\.many\.example/)
  assert.match(asked('http://a.many.example/'), /endpoint +host a\.many\.example:443 .*TLS.*which is not done here/)
  assert.match(asked('http://a.many.example/'), /=> 200: sent to a\.many\.example:443, once its address is found/)
  assert.match(asked('http://front.example/named'), /=> 200: sent to two\.many\.example:443/)
  assert.match(asked('http://front.example/'), /=> 404 \(NR\)/)
})

test('what leads nowhere says what would lead somewhere', () => {
  const asked = (...args: readonly string[]): string => weft(...args, ...bookstore).stdout
  assert.match(asked('--from', 'web', 'GET', 'http://catalouge/'), /names the host catalouge\. Did you mean catalog\?/)
  assert.match(asked('--from', 'web', 'GET', 'http://catalog:8080/'), /catalog has no port 8080; it has 80\n/)
  assert.match(asked('--from', 'web', 'tcp://inventory:7001'), /takes connections for inventory\.bookstore\.\S+:7000;/)
  assert.match(asked('--from', 'gateway', 'tcp://shop.example:9'), /it listens at 8080\n/)
  const { advice } = JSON.parse(asked('--from', 'web', 'GET', 'http://catalog:8080/', '-o', 'json')) as {
    advice: string
  }
  assert.equal(advice, 'catalog has no port 8080; it has 80')
  const mapped = weft('--from', 'gateway', 'GET', 'http://shop.example:9/', ...bookstore)
  assert.match(mapped.stderr, /^warning: gateway-0\.bookstore does not listen at port 9 but at 8080;/)
  assert.match(mapped.stdout, /=> 200/)
  const https = weft('--from', 'web', 'GET', 'https://catalog/books', ...bookstore)
  assert.equal(https.status, 1)
  assert.match(https.stderr, /HTTP_PROXY carries http:\/\/ alone.*Write http:\/\/catalog\/books /)
})

test('a method that HTTP/1.1 does not know is refused, as proxies do', () => {
  const { stdout } = weft('--from', 'web', 'GTE', 'http://catalog/books', ...bookstore)
  assert.match(stdout, /=> 400 \(DPE\): no method of HTTP\/1\.1 is called GTE/)
})

test('user and fragment of a URL are not sent', () => {
  const { stdout } = weft('--from', 'web', 'GET', 'http://me:secret@catalog/books#part', ...bookstore)
  assert.match(stdout, /^GET http:\/\/catalog\/books from[^]*=> 200/)
})

test('what comes to a gateway over TLS is told by the name in its URL', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-explain-'))
  t.after(() => rmSync(dir, { recursive: true }))
  copyFileSync(join(import.meta.dirname, '../../../control/golden/gateway/tls/in.yaml'), join(dir, 'mesh.yaml'))
  const asked = (...args: readonly string[]): string => weft('--from', 'gateway', ...args, '-f', dir).stdout
  const served =
    /chain +https\.8443\.https-files\.front\.edge .*\(TLS\)[^]*=> 200: handed to the application behind catalog-0/
  assert.match(asked('GET', 'https://files.example:8443/'), served)
  assert.match(asked('GET', 'https://files.example/'), served, 'the port of TLS may be mapped in front')
  assert.match(asked('GET', 'https://mutual.example:8443/'), /the client must show a certificate[^]*=> 200/)
  assert.match(asked('GET', 'https://nobody.example:8443/'), /=> no answer: no filter chain/)
  assert.match(asked('GET', 'https://files.example:8080/'), /=> no answer: the client begins with TLS/)
  const through =
    /^tls:\/\/a\.through\.example:8443 from gateway-0\.edge[^]*chain +tls-a\.through\.example[^]*=> connected/
  assert.match(asked('GET', 'https://a.through.example:8443/'), through, 'TLS that ends elsewhere is bytes here')
  assert.match(asked('tls://a.through.example:8443'), through)
})

test('a gateway on the way is no end: what it sends on is followed, and only so often', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-explain-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const rule = (path: string, host: string): string => `
    - match: [{ gateways: [egress], uri: { prefix: ${path} } }]
      route: [{ destination: { host: ${host}, port: { number: 80 } } }]`
  writeFileSync(
    join(dir, 'mesh.yaml'),
    `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: outside }
spec: { hosts: [outside.example], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: DNS }
---
apiVersion: v1
kind: Service
metadata: { name: empty }
spec: { selector: { app: nobody }, ports: [{ name: http, port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: egress }
spec: { selector: { app: egress }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: egress, labels: { app: egress } }
spec: { proxy: gateway, ports: [{ name: http, port: 8080 }] }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: web, labels: { app: web } }
spec: { command: [node], ports: [{ name: http, port: 8080 }] }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: egress }
spec:
  selector: { app: egress }
  servers: [{ port: { number: 80, name: https, protocol: HTTPS }, hosts: ['*'], tls: { mode: ISTIO_MUTUAL } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: outside }
spec:
  hosts: [outside.example]
  gateways: [mesh, egress]
  http:
    - match: [{ gateways: [mesh] }]
      route: [{ destination: { host: egress, port: { number: 80 } } }]${rule('/round', 'egress')}${rule('/empty', 'empty')}${rule('/', 'outside.example')}
`,
  )
  const asked = (path: string): string =>
    weft('--from', 'web', 'GET', `http://outside.example${path}`, '-f', dir).stdout
  assert.match(
    asked('/'),
    /\negress-0\.default\n[^]*endpoint +outside\.example:80 [^]*=> 200: sent to outside\.example:80\n/,
  )
  assert.match(asked('/empty'), /=> 503 \(UH\): egress-0\.default: no healthy upstream/)
  assert.match(asked('/round'), /=> 503 \(UF\): .*gateways lead into one another more than 4 times/)
})
test('handshakes, and TLS that a gateway passes on, are explained as their client begins them', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-explain-'))
  t.after(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, 'mesh.yaml'), connections)
  const asked = (to: string, ...more: readonly string[]): string =>
    weft('--from', 'gateway', to, ...more, '-f', dir).stdout
  const web = ['--certificate', 'spiffe://cluster.local/ns/default/sa/web']
  assert.match(asked('tcp://127.0.0.9:7443'), /no filter chain of gateway_127\.0\.0\.9_7443 fits/)
  assert.match(asked('tls://127.0.0.9:7443', '--sni', 'own.example'), /asks for a certificate, the client shows none/)
  assert.match(
    asked('tls://127.0.0.9:7443', '--sni', 'own.example', ...web),
    /handed to the application behind stock-0/,
  )
  const through = ['--sni', 'outbound_.7000_._.stock.default.svc.cluster.local']
  assert.match(
    asked('tls://127.0.0.9:15443', ...through),
    /chain +mtls[^]*asks for a certificate, the client shows none/,
  )
  assert.match(asked('tls://127.0.0.9:15443', ...through, ...web), /the peer is spiffe:[^]*handed to the application/)
  // Nobody looks for a server name on a port for bytes: the policy about it does not see one.
  assert.match(asked('tls://127.0.0.9:7100', '--sni', 'own.example'), /handed to the application behind stock-0/)
  const wrong = weft('--from', 'gateway', 'tcp://127.0.0.9:7443', ...web, '-f', dir)
  assert.match(wrong.stderr, /--certificate goes with tls:/)
})

const connections = `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: gateway, labels: { app: gateway } }
spec: { proxy: gateway, address: 127.0.0.9 }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: stock, labels: { app: stock } }
spec: { command: [stock], ports: [{ name: tcp, port: 7000 }] }
---
apiVersion: v1
kind: Service
metadata: { name: stock }
spec: { selector: { app: stock }, ports: [{ name: tcp, port: 7000 }] }
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default }
spec: { mtls: { mode: STRICT } }
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: door }
spec:
  selector: { app: gateway }
  servers:
    - { port: { number: 7100, name: tcp, protocol: TCP }, hosts: ["*"] }
    - { port: { number: 15443, name: tls-passed, protocol: TLS }, hosts: ["*.local"], tls: { mode: AUTO_PASSTHROUGH } }
    - port: { number: 7443, name: tls, protocol: TLS }
      hosts: [own.example]
      tls: { mode: MUTUAL, serverCertificate: /c.pem, privateKey: /k.pem, caCertificates: /a.pem }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: door }
spec:
  hosts: ["*"]
  gateways: [door]
  tcp:
    - match: [{ port: 7100 }, { port: 7443 }]
      route: [{ destination: { host: stock, port: { number: 7000 } } }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: names }
spec:
  selector: { matchLabels: { app: gateway } }
  action: DENY
  rules: [{ when: [{ key: connection.sni, values: [own.example] }], to: [{ operation: { ports: ["7100"] } }] }]
`
