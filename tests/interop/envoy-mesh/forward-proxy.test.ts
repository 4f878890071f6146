// TCP that a DestinationRule sends on through a forward proxy: the test plays the proxy, and the host behind it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { EnvoyMesh, skipWithoutEnvoy } from './envoy-mesh.ts'
import { workload } from './mesh-texts.ts'

function rules(port: number): string {
  return `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: corp, namespace: shop }
spec:
  hosts: [proxy.corp]
  ports: [{ number: 3128, name: tcp, protocol: TCP, targetPort: ${port} }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1 }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: corp, namespace: shop }
spec:
  host: proxy.corp
  subsets:
    - { name: to-bank, trafficPolicy: { tunnel: { targetHost: bank.example, targetPort: 443 } } }
    - { name: to-nobody, trafficPolicy: { tunnel: { protocol: CONNECT, targetHost: refused.example, targetPort: 443 } } }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: bank, namespace: shop }
spec:
  hosts: [bank.example, refused.example]
  ports: [{ number: 443, name: tcp, protocol: TCP }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { tcp: 1 } }]
${rule('bank.example', 'to-bank')}
${rule('refused.example', 'to-nobody')}
`
}

function rule(host: string, subset: string): string {
  return `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${subset}, namespace: shop }
spec: { hosts: [${host}], tcp: [{ route: [{ destination: { host: proxy.corp, subset: ${subset}, port: { number: 3128 } } }] }] }`
}

/** Answers CONNECT to one host, and says what it was asked for. */
function forwardProxy(asked: string[], target: () => number): Server {
  return createServer((socket) => {
    socket.on('error', () => {})
    let head = ''
    const read = (chunk: Buffer): void => {
      head += chunk.toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      socket.off('data', read)
      const [line = ''] = head.split('\r\n')
      asked.push(line)
      if (!line.startsWith('CONNECT bank.example:443 ')) return void socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
      const onward = connect(target(), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        onward.write(Buffer.from(head.slice(end + 4), 'latin1'))
        socket.pipe(onward).pipe(socket)
      })
      onward.on('error', () => socket.destroy())
    }
    socket.on('data', read)
  })
}

/** A connection of an application to a host, through its sidecar. */
async function opened(via: string, authority: string): Promise<{ readonly status: number; readonly socket: Socket }> {
  const sent = request({ host: via, port: 15001, method: 'CONNECT', path: authority, agent: false })
  sent.setTimeout(10_000, () => sent.destroy(new Error('no answer to CONNECT within 10 s')))
  sent.end()
  const [response, socket] = (await once(sent, 'connect')) as [{ statusCode: number }, Socket]
  socket.setTimeout(10_000, () => socket.destroy(new Error('silent for 10 s')))
  return { status: response.statusCode, socket }
}

for (const dataPlane of ['envoy', 'weft'] as const) {
  describe(`TCP through a forward proxy, on ${dataPlane}`, { skip: dataPlane === 'envoy' && skipWithoutEnvoy }, () => {
    const mesh = new EnvoyMesh({ base: workload('web'), dataPlane })
    const asked: string[] = []
    const bank = createServer(
      (socket) => void socket.on('error', () => {}).on('data', (chunk) => socket.write(`bank ${chunk}`)),
    )
    const proxy = forwardProxy(asked, () => (bank.address() as AddressInfo).port)
    before(async () => {
      for (const server of [bank, proxy]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      await mesh.start(rules((proxy.address() as AddressInfo).port))
    })
    after(() => {
      bank.close()
      proxy.close()
      mesh.close()
    })

    test('the proxy is asked for the target of the subset, and bytes go both ways', async () => {
      const { status, socket } = await opened(mesh.instance('web-0').address, 'bank.example:443')
      assert.equal(status, 200)
      socket.write('hello')
      const [answer] = (await once(socket, 'data')) as [Buffer]
      assert.equal(answer.toString(), 'bank hello')
      assert.deepEqual(asked, ['CONNECT bank.example:443 HTTP/1.1'])
      socket.destroy()
    })

    test('a connection that the proxy refuses ends, and goes no other way', async () => {
      const { status, socket } = await opened(mesh.instance('web-0').address, 'refused.example:443')
      // Weft's proxy answers when the tunnel is there or refused, Envoy at once.
      assert.equal(status, dataPlane === 'weft' ? 503 : 200)
      let received = ''
      socket.on('error', () => {}).on('data', (chunk: Buffer) => (received += chunk.toString()))
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.write('hello')
      await closed
      if (status === 200) assert.equal(received, '')
      assert.equal(asked.at(-1), 'CONNECT refused.example:443 HTTP/1.1')
    })
  })
}
