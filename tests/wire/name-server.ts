// A name server on loopback, for tests: UDP, A and AAAA records of a few names.
import { createSocket, type RemoteInfo } from 'node:dgram'
import type { TestContext } from 'node:test'
import { once } from '@weft/testkit/once'

/** What a name has. `silent`: no answer at all. `fails`: SERVFAIL. */
export type NameRecord =
  | { readonly a?: readonly string[]; readonly aaaa?: readonly string[]; readonly ttl?: number }
  | 'silent'
  | 'fails'

/** A running name server. Names in `zone` are lower-case; they may change while it runs. */
export interface NameServer {
  readonly port: number
  readonly zone: Map<string, NameRecord>
  /** What was asked for, in order: `A name`. */
  readonly asked: string[]
  close(): void
}

const typeA = 1
const typeAaaa = 28

/** Starts one; names that are not in the zone do not exist. */
export async function nameServer(zone: Readonly<Record<string, NameRecord>>, t?: TestContext): Promise<NameServer> {
  const socket = createSocket('udp4')
  const server: NameServer = {
    get port() {
      return socket.address().port
    },
    zone: new Map(Object.entries(zone)),
    asked: [],
    close: () => void socket.close(),
  }
  socket.on('message', (query: Buffer, from: RemoteInfo) => {
    const answer = answerTo(query, server)
    if (answer !== undefined) socket.send(answer, from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t?.after(() => server.close())
  return server
}

function answerTo(query: Buffer, { zone, asked }: NameServer): Buffer | undefined {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  const name = labels.join('.').toLowerCase()
  const type = query.readUInt16BE(at + 1)
  const question = query.subarray(12, at + 5)
  asked.push(`${type === typeA ? 'A' : type === typeAaaa ? 'AAAA' : type} ${name}`)
  const record = zone.get(name)
  if (record === 'silent') return undefined
  const head = Buffer.alloc(12)
  query.copy(head, 0, 0, 2)
  const code = record === 'fails' ? 2 : record === undefined ? 3 : 0
  head.writeUInt16BE(0x8180 | code, 2)
  head.writeUInt16BE(1, 4)
  if (code !== 0 || record === undefined || record === 'fails') return Buffer.concat([head, question])
  const addresses = (type === typeA ? record.a : type === typeAaaa ? record.aaaa : undefined) ?? []
  head.writeUInt16BE(addresses.length, 6)
  const records = addresses.map((address) => {
    const data = bytesOf(address)
    const fixed = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length])
    fixed.writeUInt32BE(record.ttl ?? 60, 6)
    return Buffer.concat([fixed, data])
  })
  return Buffer.concat([head, question, ...records])
}

/** An IPv6 address is given in full: eight groups. */
function bytesOf(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number))
  return Buffer.from(
    address.split(':').flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  )
}
