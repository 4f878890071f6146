// TCP that a DestinationRule sends on through a forward proxy: the test plays the proxy, and the host behind it.
import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { test } from 'node:test'
import { onBothPlanes, startedMesh } from './mesh-suites.ts'
import { outsideHosts, workload } from './mesh-texts.ts'
import { answerTo, said } from './plain-clients.ts'

function rules(port: number): string {
  return `${outsideHosts('corp', {
    hosts: 'proxy.corp',
    port: `{ number: 3128, name: tcp, protocol: TCP, targetPort: ${port} }`,
  })}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: corp, namespace: shop }
spec:
  host: proxy.corp
  subsets:
    - { name: to-bank, trafficPolicy: { tunnel: { targetHost: bank.example, targetPort: 443 } } }
    - { name: to-nobody, trafficPolicy: { tunnel: { protocol: CONNECT, targetHost: refused.example, targetPort: 443 } } }
${outsideHosts('bank', {
  hosts: 'bank.example, refused.example',
  port: '{ number: 443, name: tcp, protocol: TCP }',
  endpoint: '127.0.0.1, ports: { tcp: 1 }',
})}
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

onBothPlanes('TCP through a forward proxy, on', (dataPlane) => {
  const asked: string[] = []
  const bank = createServer(
    (socket) => void socket.on('error', () => {}).on('data', (chunk) => socket.write(`bank ${chunk}`)),
  )
  const proxy = forwardProxy(asked, () => (bank.address() as AddressInfo).port)
  const mesh = startedMesh({ base: workload('web'), dataPlane }, async (mesh) => {
    await mesh.serve(bank)
    return rules(await mesh.serve(proxy))
  })

  test('the proxy is asked for the target of the subset, and bytes go both ways', async () => {
    const { status, socket } = await mesh.tunnel('web-0', 'bank.example:443')
    assert.equal(status, 200)
    assert.equal(await answerTo(socket, 'hello'), 'bank hello')
    assert.deepEqual(asked, ['CONNECT bank.example:443 HTTP/1.1'])
  })

  test('a connection that the proxy refuses ends, and goes no other way', async () => {
    const { status, socket } = await mesh.tunnel('web-0', 'refused.example:443')
    // Weft's proxy answers when the tunnel is there or refused, Envoy at once.
    assert.equal(status, dataPlane === 'weft' ? 503 : 200)
    socket.write('hello')
    const received = await said(socket)
    if (status === 200) assert.equal(received, '')
    assert.equal(asked.at(-1), 'CONNECT refused.example:443 HTTP/1.1')
  })
})
