// `node bench/hop-in-memory.ts [plain|pair]`: the whole JavaScript of a hop (transports, codecs, exchange, routing, balancing, pools,
// metrics), on handles that are no sockets: nanoseconds and bytes of garbage per request, over a corpus of 1,000 different requests. `plain`
// is a gateway with HTTP/1.1 on both sides; `pair` a gateway and a sidecar, with HTTP/2 between them. What the kernel, OpenSSL and Node's
// C++ do is not in it, so it repeats within some per cent even on a busy machine, when the best round is compared. Pass
// `--max-semi-space-size=64` to Node, or garbage is collected within a round and cannot be counted.
import type { ConnectOptions, Transport } from '@weft/core'
import type { Listener } from '@weft/engine'
import { memoryConnection, MemoryHandle, memoryShared } from './in-memory/memory-handle.ts'
import { type MemoryProxy, memoryProxy } from './in-memory/memory-proxy.ts'
import { answer, questions } from './in-memory/questions.ts'
import { type Wire, wire } from './in-memory/wire.ts'
import { median } from './statistics.ts'

const kind = process.argv[2] === 'pair' ? 'pair' : 'plain'
const connections = 64
const perRound = 200
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 800)
const warmRounds = 300
const batchSize = 8

const shared = memoryShared()
const wires: Wire[] = []
const upstreams: MemoryHandle[] = []

function application(options: ConnectOptions): Transport {
  const handle = new MemoryHandle()
  upstreams.push(handle)
  return memoryConnection(handle, shared, options.port)
}

function listenerOf({ config }: MemoryProxy, wanted: (listener: Listener) => boolean): Listener {
  const found = [...config.listeners.values()].find(wanted)
  if (found === undefined) throw new Error('the listener is not there')
  return found
}

function sidecar(): (transport: Transport) => void {
  const proxy = memoryProxy('pair', 'echo-0', shared, { connect: application, secure: (transport) => transport })
  const listener = listenerOf(proxy, ({ direction }) => direction === 'inbound')
  return (transport) => proxy.serve(listener, transport)
}

const serveInbound = kind === 'pair' ? sidecar() : undefined
const gateway = memoryProxy(kind, 'gateway-0', shared, {
  connect: application,
  secure: () => {
    const made = wire('spiffe://cluster.local/ns/bench/sa/gateway', 'spiffe://cluster.local/ns/bench/sa/echo')
    wires.push(made)
    upstreams.length = 0
    serveInbound?.(made.server)
    return made.client
  },
})
const entry = listenerOf(gateway, ({ address }) => address.kind === 'socket' && address.port === 18_080)
const clients = Array.from({ length: connections }, (_, index) => {
  const handle = new MemoryHandle()
  gateway.serve(entry, memoryConnection(handle, shared, 40_000 + index))
  return handle
})

let next = 0

/** A batch as epoll brings it: some requests, then the answers to them. */
function batch(size: number): void {
  for (let at = 0; at < size; at++) {
    const asked = questions[next++ % questions.length] as Buffer
    ;(clients[next % connections] as MemoryHandle).arrive(asked, shared)
  }
  shared.turn.run()
  for (const each of wires) each.toServer()
  shared.turn.run()
  for (const upstream of upstreams) {
    if (upstream.taken === 0) continue
    upstream.taken = 0
    upstream.arrive(answer, shared)
  }
  shared.turn.run()
  for (const each of wires) each.toClient()
  shared.turn.run()
}

batch(connections)
// The first connections are made in microtasks.
for (let turns = 0; turns < 5; turns++) {
  await new Promise((resolve) => setTimeout(resolve, 20))
  batch(0)
}

const ns: number[] = []
const bytes: number[] = []
for (let round = -warmRounds; round < rounds; round++) {
  for (const client of clients) client.taken = 0
  const heapBefore = process.memoryUsage().heapUsed
  const before = process.hrtime.bigint()
  for (let done = 0; done < perRound; done += batchSize) batch(batchSize)
  const took = Number(process.hrtime.bigint() - before)
  const grown = process.memoryUsage().heapUsed - heapBefore
  const least = perRound * answer.length
  const taken = clients.reduce((sum, client) => sum + client.taken, 0)
  if (taken < least) throw new Error(`only ${taken} of at least ${least} bytes came back`)
  if (round < 0) continue
  ns.push(took / perRound)
  if (grown > 0) bytes.push(grown / perRound)
  if (round % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
}
if (!gateway.metrics.render().includes('istio_requests_total')) throw new Error('nothing was counted')
const between = kind === 'pair' ? `; ${wires.length} connection(s) between the proxies` : ''
console.log(
  `${kind} in memory: best ${Math.min(...ns).toFixed(0)} ns, median ${median(ns).toFixed(0)} ns per request; ${median(bytes).toFixed(0)} bytes of garbage; ${upstreams.length} upstream connections${between}`,
)
process.exit(0)
