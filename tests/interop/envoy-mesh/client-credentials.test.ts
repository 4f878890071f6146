// Servers outside that want TLS with a certificate of ours from a Secret: of gateways, and of sidecars that a rule selects.
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:https'
import { after, before, describe, test } from 'node:test'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { testAuthority } from '../../wire/test-certificates.ts'
import { EnvoyMesh, http, skipWithoutEnvoy, until } from './envoy-mesh.ts'
import { gatewayWorkload, workload } from './mesh-texts.ts'

const base = [workload('web'), workload('other'), gatewayWorkload('gateway')].join('')
const authority = await testAuthority()
const stranger = await testAuthority()

function rules(port: number): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: partner, namespace: shop }
spec:
  hosts: [partner.example, unknown.example, unsigned.example, unverified.example]
  ports: [{ number: 80, name: http, protocol: HTTP, targetPort: ${port} }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1 }]
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

async function secret(name: string, cacert: string): Promise<string> {
  const { certificateChainPem: cert, privateKeyPem: key } = await authority.issue('shop.example')
  const data = Object.entries({ cert, key, cacert }).map(
    ([field, text]) => `${field}: ${Buffer.from(text).toString('base64')}`,
  )
  return `
---
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: shop }
data: { ${data.join(', ')} }
`
}

for (const dataPlane of ['envoy', 'weft'] as const) {
  describe(`certificates for servers outside, on ${dataPlane}`, {
    skip: dataPlane === 'envoy' && skipWithoutEnvoy,
  }, () => {
    const mesh = new EnvoyMesh({ base, dataPlane })
    let outside: Server
    before(async () => {
      const own = await authority.issue('partner.example', 'unsigned.example', 'unknown.example')
      const tls = { cert: own.certificateChainPem, key: own.privateKeyPem, ca: authority.rootPem }
      outside = createServer({ ...tls, requestCert: true, rejectUnauthorized: true }, (request, response) => {
        response.end(`to ${(request.socket as TLSSocket).getPeerX509Certificate()?.subjectAltName}`)
      })
      await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve))
      const { port } = outside.address() as AddressInfo
      const secrets = [await secret('partner', authority.rootPem), await secret('stranger', stranger.rootPem)]
      await mesh.start(`${rules(port)}${secrets.join('')}`)
      // The Secret that never comes is waited for, for fifteen seconds.
      await until(async () => (await throughGateway('/').catch(() => undefined))?.status === 200)
    })
    after(() => {
      outside.close()
      mesh.close()
    })

    const throughGateway = (path: string) => http({ host: mesh.instance('gateway-0').address, port: 8080, path })

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
}
