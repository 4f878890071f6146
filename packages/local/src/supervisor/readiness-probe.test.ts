import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { until } from '@weft/testkit/until'
import { startReadinessProbe } from './readiness-probe.ts'

const target = { host: '127.0.0.1', cwd: '/', env: { PATH: process.env['PATH'] ?? '' } }
const timing = { periodSeconds: 0.02, timeoutSeconds: 1, failureThreshold: 3 }

function listen(status: () => number): Promise<{ server: Server; port: number; asked: () => number }> {
  let asked = 0
  const server = createServer((_request, response) => {
    asked++
    response.writeHead(status()).end()
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () =>
      resolve({ server, port: (server.address() as AddressInfo).port, asked: () => asked }),
    )
  })
}

test('ready at the first success, unready only after failureThreshold failures in a row', async () => {
  let status = 503
  const { server, port, asked } = await listen(() => status)
  const changes: boolean[] = []
  let askedAtChange = 0
  let wake = (): void => {}
  const probe = startReadinessProbe({ httpGet: { path: '/healthz', port }, ...timing }, target, (ready) => {
    changes.push(ready)
    askedAtChange = asked()
    wake()
  })
  const change = (): Promise<void> => new Promise((resolve) => (wake = resolve))
  await until(() => asked() >= 2, 'two questions')
  assert.deepEqual(changes, [])
  assert.match(probe.problem ?? '', /answered 503/)
  let next = change()
  status = 200
  await next
  next = change()
  const before = asked()
  status = 500
  await next
  probe.close()
  server.close()
  server.closeAllConnections()
  assert.deepEqual([...changes], [true, false])
  assert.ok(askedAtChange - before >= 3)
})

test('tcpSocket and exec probes succeed and fail as the far end does', async () => {
  const { server, port } = await listen(() => 200)
  const once = (readiness: object): Promise<boolean> =>
    new Promise((resolve) => {
      const probe = startReadinessProbe({ ...timing, ...readiness }, target, (ready) => finish(ready))
      const timer = setTimeout(() => finish(false), 500)
      const finish = (ready: boolean): void => {
        clearTimeout(timer)
        probe.close()
        resolve(ready)
      }
    })
  assert.equal(await once({ tcpSocket: { port } }), true)
  assert.equal(await once({ exec: { command: ['true'] } }), true)
  assert.equal(await once({ exec: { command: ['false'] } }), false)
  await new Promise((resolve) => server.close(resolve))
  assert.equal(await once({ tcpSocket: { port } }), false)
})
