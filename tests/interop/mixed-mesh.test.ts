// A mesh of both proxies under one control plane: Weft's at one end of the hop, real Envoy at the other, each way.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, test } from 'node:test'
import { until } from '@weft/testkit/until'
import type { ProxyKind } from '../../packages/local/src/supervisor/proxy-bootstrap.ts'
import { startedMesh } from './envoy-mesh/mesh-suites.ts'
import { service, workload } from './envoy-mesh/mesh-texts.ts'
import { skipWithoutEnvoy } from './envoy-on-path.ts'

const tcp = '{ name: tcp, port: 7000 }, { name: tcp-other, port: 7001 }'
const part = (name: string): string => `${workload(name, { ports: `{ name: http, port: 8080 }, ${tcp}` })}
${service(name, { ports: `{ name: http, port: 80, targetPort: 8080 }, ${tcp}` })}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name}, namespace: shop }
spec:
  selector: { matchLabels: { app: ${name} } }
  rules:
    - from: [{ source: { principals: [cluster.local/ns/shop/sa/weft, cluster.local/ns/shop/sa/envoy] } }]
      to: [{ operation: { ports: ["8080"], paths: [/open*] } }]
    - from: [{ source: { principals: [cluster.local/ns/shop/sa/weft, cluster.local/ns/shop/sa/envoy] } }]
      to: [{ operation: { ports: ["7000"] } }]
`
const base = `${part('weft')}${part('envoy')}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
`

describe('Weft and Envoy in one mesh', { skip: skipWithoutEnvoy }, () => {
  const mesh = startedMesh({
    base,
    proxyOf: ({ workload: name }) => name as ProxyKind,
    app(request, response, instance) {
      if (request.method === 'GET') response.end(`from ${instance}`)
      else request.pipe(response)
    },
  })

  for (const [from, to] of [
    ['weft', 'envoy'],
    ['envoy', 'weft'],
  ] as const) {
    test(`requests from ${from} to ${to} go over HTTP/2, with the caller's identity, and policies hold`, async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => ask(from, `http://${to}/open/${at}`)))
      assert.ok(
        answers.every(({ status, body }) => status === 200 && body === `from ${to}-0`),
        JSON.stringify(answers[0]),
      )
      const last = mesh.seen.at(-1)
      assert.deepEqual([last?.instance, last?.method], [`${to}-0`, 'GET'])
      assert.match(
        String(last?.headers['x-forwarded-client-cert']),
        new RegExp(`URI=spiffe://cluster.local/ns/shop/sa/${from}`),
      )
      assert.equal((await ask(from, `http://${to}/closed`)).status, 403)
      const big = 'x'.repeat(1_000_000)
      assert.equal((await ask(from, `http://${to}/open/big`, big)).body, big)
      await until(async () => lines(to).some(({ path, protocol }) => path === '/open/19' && protocol === 'HTTP/2'))
    })

    test(`TCP from ${from} to ${to} goes through tunnels, by the loopback listener and by CONNECT`, async () => {
      const { host } = mesh.outbound(`${from}-0`, `${to}.shop:7000`)
      const words = Array.from({ length: 12 }, (_, at) => `line ${at}\n`)
      const echoes = await Promise.all(words.map((word) => echo(host, 7000, word)))
      assert.deepEqual(echoes, words)
      const big = 'y'.repeat(3_000_000)
      assert.ok((await echo(host, 7000, big)) === big, 'three megabytes, and an end in each direction')
      const connected = await echo(
        mesh.instance(`${from}-0`).address,
        15001,
        'ping',
        `CONNECT ${to}:7000 HTTP/1.1\r\nHost: ${to}:7000\r\n\r\n`,
      )
      assert.match(connected, /^HTTP\/1.1 200 [^]*\r\n\r\nping$/)
      const authority = `${mesh.instance(`${to}-0`).address}:7000`
      const opened = (): number =>
        lines(to).filter((line) => line['method'] === 'CONNECT' && line['authority'] === authority).length
      await until(async () => opened() === 14)
    })

    test(`a tunnel from ${from} to a port of ${to} that is not allowed ends the connection`, async () => {
      const { host } = mesh.outbound(`${from}-0`, `${to}.shop:7001`)
      assert.equal(await echo(host, 7001, 'hello'), '')
    })
  }

  function lines(kind: string): Record<string, string>[] {
    return (mesh.logsOf.get(`${kind}-0`) ?? []).flatMap((line) => {
      try {
        return line.startsWith('{') ? [JSON.parse(line) as Record<string, string>] : []
      } catch {
        return []
      }
    })
  }

  function ask(from: string, url: string, body?: string): Promise<{ status: number; body: string }> {
    return mesh.call(`${from}-0`, url, {}, body === undefined ? 'GET' : 'POST', body)
  }
})

/**
 * What comes back for words until the far end is done. `before` goes first and is answered first; then the end waits for the words, since
 * Envoy takes the end of an HTTP/1.1 client for the end of its connection.
 */
function echo(host: string, port: number, words: string, before?: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, allowHalfOpen: true })
    let text = ''
    socket.on('connect', () => (before === undefined ? socket.end(words) : socket.write(before)))
    socket.on('data', (chunk: Buffer) => {
      if (before !== undefined && text === '') socket.write(words)
      text += chunk.toString()
      if (before !== undefined && text.endsWith(words)) socket.end()
    })
    socket.setTimeout(30_000, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve(text))
  })
}
