// Rules for connections by the addresses of both ends, at a gateway.
import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { EnvoyMesh, skipWithoutEnvoy } from './envoy-mesh.ts'
import { gatewayWorkload } from './mesh-texts.ts'

function server(name: string, port: number): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: shop }
spec:
  hosts: [${name}.example]
  ports: [{ number: 7000, name: tcp, protocol: TCP, targetPort: ${port} }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1 }]
---`
}

function rule(match: string, name: string): string {
  return `    - { match: [${match}], route: [{ destination: { host: ${name}.example } }] }\n`
}

const gateway = `
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

for (const dataPlane of ['envoy', 'weft'] as const) {
  describe(`rules by address, on ${dataPlane}`, { skip: dataPlane === 'envoy' && skipWithoutEnvoy }, () => {
    const mesh = new EnvoyMesh({ base: gatewayWorkload('gateway'), dataPlane })
    const servers = names.map((name): Server => createServer((socket) => void socket.on('error', () => {}).end(name)))
    before(async () => {
      for (const each of servers) await new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve))
      const texts = servers.map((each, index) => server(names[index] ?? '', (each.address() as AddressInfo).port))
      await mesh.start(`${texts.join('')}${gateway}`)
    })
    after(() => {
      for (const each of servers) each.close()
      mesh.close()
    })

    /** What the server says to a client at an address; nothing when the connection is closed. */
    const from = (localAddress: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect({ host: mesh.instance('gateway-0').address, port: 9000, localAddress })
        let said = ''
        socket.setTimeout(10_000, () => socket.destroy(new Error('silent for 10 s')))
        socket.on('data', (chunk: Buffer) => (said += chunk.toString()))
        socket.on('error', (error: NodeJS.ErrnoException) =>
          error.code === 'ECONNRESET' ? resolve(said) : reject(error),
        )
        socket.on('close', () => resolve(said))
      })

    test('the first rule that covers both ends is taken, and a connection that no rule covers is closed', async () => {
      assert.equal(await from('127.0.0.5'), 'five')
      assert.equal(await from('127.0.0.6'), 'local')
      assert.equal(await from('127.0.0.9'), '')
    })
  })
}
