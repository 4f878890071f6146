// What our proxy can do yet, found out by trying: cases and peers that need more are skipped by name until it can.
import { answer, get, head, type ProtocolCase, until } from './protocol-case.ts'
import type { Observation } from './observation.ts'
import { playCase, Upstream } from './play-case.ts'
import { startWeftStand } from './weft-stand.ts'

const patience = { quietMs: 200, logMs: 20 }
const over: ProtocolCase['client'] = [
  {
    headers: [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':authority', 'shop'],
      [':path', '/'],
    ],
    ends: true,
  },
  { untilStream: 1, has: 'end' },
]

async function play(given: ProtocolCase): Promise<Observation> {
  const upstream = await Upstream.open(given)
  try {
    const stand = await startWeftStand(given, upstream.port)
    try {
      return await playCase(given, stand, upstream, patience)
    } finally {
      await stand.close()
    }
  } catch (error) {
    return { refused: String(error) }
  } finally {
    upstream.close()
  }
}

const h2 = /^:status: 200$/m

/** HTTP/2 of clients. */
export async function speaksHttp2(): Promise<boolean> {
  const seen = await play({ name: 'HTTP/2 of a client', client: over, downstreamWire: 'h2' })
  return h2.test(seen['answer on 1 head 1'] ?? '')
}

/** HTTP/2 to upstreams. */
export async function speaksHttp2Upstream(): Promise<boolean> {
  const seen = await play({ name: 'HTTP/2 to an upstream', client: [get(), until('200')], upstreamWire: 'h2' })
  return seen['answer.1'] === 'HTTP/1.1 200' && seen['request 1 on 1 end'] === 'whole'
}

/** Upgrades to WebSocket. */
export async function upgradesWebSockets(): Promise<boolean> {
  const switched = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'
  const seen = await play({
    name: 'a WebSocket',
    client: [get('/', 'Upgrade: websocket\r\nConnection: Upgrade\r\n'), until('101')],
    upstream: [[head, switched, answer()]],
    manager: { upgradeConfigs: [{ upgradeType: 'websocket' }] },
  })
  return seen['answer.1'] === 'HTTP/1.1 101'
}
