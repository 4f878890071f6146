// `node --max-semi-space-size=64 bench/grpc-in-memory.ts`: as `hop-in-memory.ts`, for a gateway that carries unary gRPC calls, HTTP/2 on both
// sides, eight connections with eight calls each.
import { Buffer } from 'node:buffer'
import { memoryShared } from './in-memory/memory-handle.ts'
import { memoryProxy } from './in-memory/memory-proxy.ts'
import { answersTo, clientGreeting, eightCalls, serverGreeting } from './in-memory/grpc-ends.ts'
import { MemoryEnd } from './in-memory/wire.ts'
import { median } from './statistics.ts'

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 800)
const warmRounds = 300
const shared = memoryShared()
const upstreams: MemoryEnd[] = []
const gateway = memoryProxy('grpc', 'gateway-0', shared, {
  connect: () => {
    const end = new MemoryEnd()
    upstreams.push(end)
    return end
  },
  secure: (transport) => transport,
})
const listener = [...gateway.config.listeners.values()].find(
  ({ address }) => address.kind === 'socket' && address.port === 18_080,
)
if (listener === undefined) throw new Error('the listener is not there')
const clients = Array.from({ length: 8 }, () => {
  const end = new MemoryEnd()
  gateway.serve(listener, end)
  end.handler.onData(Buffer.from(clientGreeting))
  return { end, id: 1, takenBytes: 0 }
})
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) {
    shared.turn.run()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
await turns()

let answered = 0

/** Eight calls on one connection, and their answers. */
function batch(): void {
  const client = clients[answered++ % clients.length] as (typeof clients)[number]
  client.end.handler.onData(eightCalls(client.id))
  client.id += 16
  shared.turn.run()
  for (const upstream of upstreams) {
    const taken = upstream.take()
    if (taken.length > 0) upstream.handler.onData(answersTo(taken).bytes)
  }
  shared.turn.run()
  client.takenBytes += client.end.take().length
}

batch()
await turns()
for (const upstream of upstreams) {
  // What came before is the proxy's greeting and the calls that opened the connection.
  upstream.handler.onData(Buffer.from(serverGreeting))
  const waiting = upstream.take()
  upstream.handler.onData(answersTo(waiting.subarray(24)).bytes)
}
await turns()

const ns: number[] = []
const bytes: number[] = []
for (let round = -warmRounds; round < rounds; round++) {
  for (const client of clients) client.takenBytes = 0
  const heapBefore = process.memoryUsage().heapUsed
  const before = process.hrtime.bigint()
  for (let done = 0; done < 200; done += 8) batch()
  const took = Number(process.hrtime.bigint() - before)
  const grown = process.memoryUsage().heapUsed - heapBefore
  const taken = clients.reduce((sum, { takenBytes }) => sum + takenBytes, 0)
  if (taken < 200 * 133) throw new Error(`only ${taken} bytes came back`)
  if (round < 0) continue
  ns.push(took / 200)
  if (grown > 0) bytes.push(grown / 200)
  if (round % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
}
if (!gateway.metrics.render().includes('grpc_response_status="0"')) throw new Error('no call was counted')
console.log(
  `gRPC in memory: best ${Math.min(...ns).toFixed(0)} ns, median ${median(ns).toFixed(0)} ns per call; ${median(bytes).toFixed(0)} bytes of garbage; ${upstreams.length} upstream connection(s)`,
)
process.exit(0)
