// Rules for connections by the addresses of both ends, at a gateway.
import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import { onBothPlanes, startedMesh } from './mesh-suites.ts'
import { gatewayWorkload, outsideHosts } from './mesh-texts.ts'
import { said } from './plain-clients.ts'

function rule(match: string, name: string): string {
  return `    - { match: [${match}], route: [{ destination: { host: ${name}.example } }] }\n`
}

const gateway = `
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: front, namespace: shop }
spec:
  selector: { app: gateway }
  servers:
    - { port: { number: 9000, name: tcp, protocol: TCP }, hosts: ["*"] }
    - { port: { number: 8080, name: http, protocol: HTTP }, hosts: ["*"] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: front, namespace: shop }
spec:
  hosts: ["*"]
  gateways: [front]
  tcp:
${rule('{ destinationSubnets: [203.0.113.0/24] }', 'elsewhere')}${rule('{ sourceSubnet: 127.0.0.5 }', 'five')}${rule('{ destinationSubnets: [127.0.0.0/8], sourceSubnet: 127.0.0.0/29 }', 'local')}`

const names = ['elsewhere', 'five', 'local']

onBothPlanes('rules by address, on', (dataPlane) => {
  const mesh = startedMesh({ base: gatewayWorkload('gateway'), dataPlane }, async (mesh) => {
    let text = gateway
    for (const name of names) {
      const targetPort = await mesh.serve(createServer((socket) => void socket.on('error', () => {}).end(name)))
      const port = `{ number: 7000, name: tcp, protocol: TCP, targetPort: ${targetPort} }`
      text += outsideHosts(name, { hosts: `${name}.example`, port })
    }
    return text
  })

  /** What the server says to a client at an address; nothing when the connection is closed. */
  const from = (localAddress: string): Promise<string> => said(connect({ ...mesh.at('gateway-0', 9000), localAddress }))

  test('the first rule that covers both ends is taken, and a connection that no rule covers is closed', async () => {
    assert.equal(await from('127.0.0.5'), 'five')
    assert.equal(await from('127.0.0.6'), 'local')
    assert.equal(await from('127.0.0.9'), '')
  })
})
