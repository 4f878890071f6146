import { passThroughService } from '@weft/xds'
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net'
import { test } from 'node:test'
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js'
import { nodeRuntime } from '@weft/core/node'
import type { WorkloadProbe } from '@weft/resources'
import { LogCapture, VirtualClock } from '@weft/testkit'
import type { ProbedEntry } from './probe-plan.ts'
import { probeOver } from './probe-once.ts'
import { Prober } from './prober.ts'

const timing = {
  initialDelaySeconds: 0,
  timeoutSeconds: 1,
  periodSeconds: 10,
  successThreshold: 1,
  failureThreshold: 2,
}

const probeOnce = probeOver(nodeRuntime({ logLevel: 'error' }))

function entry(key: string, more: Partial<WorkloadProbe> = {}): ProbedEntry {
  return { key, address: key, probe: { ...timing, tcpSocket: { port: 80 }, ...more } }
}

test('entries are asked once a period, and who fails often enough is not ready until it succeeds', async () => {
  const clock = new VirtualClock()
  const asked: string[] = []
  const told: string[][] = []
  const down = new Set(['b'])
  const prober = new Prober({
    runtime: { timers: clock, log: new LogCapture().logger(clock, {}) },
    probe: (_probe, address) => {
      asked.push(`${clock.nowMs() / 1000} ${address}`)
      return Promise.resolve(down.has(address) ? 'refused' : undefined)
    },
    onChange: (unready) => told.push([...unready]),
  })
  prober.watch([entry('a'), entry('b'), entry('c', { initialDelaySeconds: 15 })])
  await clock.advance(10_000)
  assert.deepEqual(asked, ['0 a', '0 b', '10 a', '10 b'])
  assert.deepEqual(told, [['b']])
  down.clear()
  await clock.advance(10_000)
  assert.deepEqual(told, [['b'], []])
  down.add('c')
  await clock.advance(20_000)
  assert.deepEqual(told, [['b'], [], ['c']])
  prober.watch([entry('a')])
  assert.deepEqual(told.at(-1), [], 'who is no longer there is not missed')
  const before = asked.length
  prober.close()
  await clock.advance(60_000)
  assert.equal(asked.length, before)
})

test('a probe that throws counts as a failure, and many entries wait for their turn', async () => {
  const clock = new VirtualClock()
  let open = 0
  let most = 0
  const prober = new Prober({
    runtime: { timers: clock, log: new LogCapture().logger(clock, {}) },
    probe: async () => {
      most = Math.max(most, ++open)
      await Promise.resolve()
      open--
      throw new Error('no such host')
    },
    onChange: () => {},
  })
  prober.watch(Array.from({ length: 200 }, (_, index) => entry(`e${index}`)))
  await clock.advance(10_000)
  assert.equal(prober.unready.size, 200)
  assert.ok(most <= 64, `${most} at once`)
  prober.close()
})

function listen(server: TcpServer): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}

test('httpGet: a status from 200 to 399 is well, with the path and headers asked for', async () => {
  let status = 204
  const seen: unknown[] = []
  const server = createServer(({ url, headers }, response) => {
    seen.push([url, headers['x-probe']])
    response.writeHead(status).end('x'.repeat(100_000))
  })
  const port = await listen(server)
  const probe = { ...timing, httpGet: { port, path: '/healthz', httpHeaders: [{ name: 'x-probe', value: 'yes' }] } }
  assert.equal(await probeOnce(probe, '127.0.0.1'), undefined)
  status = 503
  assert.match((await probeOnce(probe, '127.0.0.1')) ?? '', /answered 503/)
  assert.deepEqual(seen, [
    ['/healthz', 'yes'],
    ['/healthz', 'yes'],
  ])
  server.close()
  assert.match((await probeOnce(probe, '127.0.0.1')) ?? '', /failed/)
})

test('tcpSocket: accepting is well, silence is waited for no longer than the limit', async () => {
  const server = createTcpServer(() => {})
  const port = await listen(server)
  assert.equal(await probeOnce({ ...timing, tcpSocket: { port } }, '127.0.0.1'), undefined)
  const startedMs = performance.now()
  const seen = await probeOnce({ ...timing, timeoutSeconds: 0.1, httpGet: { port } }, '127.0.0.1')
  assert.match(seen ?? '', /did not answer in time/)
  assert.ok(performance.now() - startedMs < 2_000)
  server.close()
  assert.match((await probeOnce({ ...timing, tcpSocket: { port } }, '127.0.0.1')) ?? '', /failed/)
})

test('grpc: only SERVING is well, for the service asked about', async () => {
  const server = new GrpcServer()
  server.addService(passThroughService('grpc.health.v1.Health', ['Check'], { unary: true }), {
    Check: (call: { readonly request: Buffer }, answer: (error: null, value: Buffer) => void) =>
      answer(null, Buffer.from([8, call.request.subarray(2).toString() === 'stock' ? 1 : 2])),
  })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
  assert.equal(await probeOnce({ ...timing, grpc: { port, service: 'stock' } }, '127.0.0.1'), undefined)
  assert.match((await probeOnce({ ...timing, grpc: { port } }, '127.0.0.1')) ?? '', /not serving/)
  server.forceShutdown()
  assert.match((await probeOnce({ ...timing, grpc: { port } }, '127.0.0.1')) ?? '', /failed/)
})
