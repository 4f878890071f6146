// Servers outside that want TLS with a certificate of ours from a Secret: of gateways, and of sidecars that a rule selects.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { until } from '@weft/testkit/until'
import { testAuthority } from '../../wire/test-certificates.ts'
import { onBothPlanes, startedMesh } from './mesh-suites.ts'
import { gatewayWorkload, outsideHosts, secret, workload } from './mesh-texts.ts'
import { http } from './plain-clients.ts'
import { tellingServer } from './telling-server.ts'

const base = [workload('web'), workload('other'), gatewayWorkload('gateway')].join('')
const authority = await testAuthority()
const stranger = await testAuthority()

function rules(port: number): string {
  return `${outsideHosts('partner', {
    hosts: 'partner.example, unknown.example, unsigned.example, unverified.example',
    port: `{ number: 80, name: http, protocol: HTTP, targetPort: ${port} }`,
  })}
${rule('by-gateways', 'partner.example', 'partner')}
${rule('by-web', 'partner.example', 'partner', 'workloadSelector: { matchLabels: { app: web } }, ')}
${rule('no-secret', 'unknown.example', 'nobody')}
${rule('other-authorities', 'unsigned.example', 'stranger')}
${rule('not-verified', 'unverified.example', 'stranger, insecureSkipVerify: true')}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: front, namespace: shop }
spec: { selector: { app: gateway }, servers: [{ port: { number: 8080, name: http, protocol: HTTP }, hosts: ["*"] }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: front, namespace: shop }
spec:
  hosts: ["*"]
  gateways: [front]
  http:
    - match: [{ uri: { prefix: /unknown } }]
      route: [{ destination: { host: unknown.example } }]
    - match: [{ uri: { prefix: /unsigned } }]
      route: [{ destination: { host: unsigned.example } }]
    - match: [{ uri: { prefix: /unverified } }]
      route: [{ destination: { host: unverified.example } }]
    - route: [{ destination: { host: partner.example } }]
`
}

function rule(name: string, host: string, credentialName: string, more = ''): string {
  return `---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${name}, namespace: shop }
spec: { ${more}host: ${host}, trafficPolicy: { tls: { mode: MUTUAL, credentialName: ${credentialName} } } }`
}

async function credential(name: string, cacert: string): Promise<string> {
  const { certificateChainPem: cert, privateKeyPem: key } = await authority.issue('shop.example')
  return secret(name, { cert, key, cacert })
}

onBothPlanes('certificates for servers outside, on', (dataPlane) => {
  const mesh = startedMesh({ base, dataPlane }, async (mesh) => {
    const own = await authority.issue('partner.example', 'unsigned.example', 'unknown.example')
    const port = await mesh.serve(tellingServer(own, authority.rootPem))
    const secrets = [await credential('partner', authority.rootPem), await credential('stranger', stranger.rootPem)]
    return `${rules(port)}${secrets.join('')}`
  })
  // The Secret that never comes is waited for, for fifteen seconds.
  before(() => until(async () => (await throughGateway('/').catch(() => undefined))?.status === 200))

  const throughGateway = (path: string) => http({ ...mesh.at('gateway-0', 8080), path })

  test('a gateway shows the certificate of the Secret, and trusts its authorities alone', async () => {
    assert.equal((await throughGateway('/')).body, 'to DNS:shop.example')
    assert.equal((await throughGateway('/unsigned')).status, 503)
  })

  test('where the rule says not to verify, a server that nobody known signed is believed', async () => {
    assert.equal((await throughGateway('/unverified')).body, 'to DNS:shop.example')
  })

  test('a Secret that is not there refuses the requests that need it', async () => {
    assert.equal((await throughGateway('/unknown')).status, 503)
    assert.equal((await throughGateway('/')).status, 200)
  })

  test('a sidecar takes the Secret where the rule selects it, and elsewhere does without', async () => {
    assert.equal((await mesh.call('web-0', 'http://partner.example/')).body, 'to DNS:shop.example')
    assert.equal((await mesh.call('other-0', 'http://partner.example/')).status, 503)
  })
})
