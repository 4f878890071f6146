// Meshes share the loopback addresses of one machine. Each holds a block of 254 instance addresses (127.66.<block>.1 to .254 and
// the same in the ranges above), reserved by a listening socket: the kernel frees it when the mesh dies, however it dies.
import { createServer, type Server } from 'node:net'
import { err, ok, type Result } from '@weft/core'
import type { WorkloadInstance } from '@weft/resources'

/** Instances in one block. */
const blockSize = 254
const blocks = 256
/** The host number that no instance gets, and a port that no proxy opens. */
const reservationHost = 255
const reservationPort = 14_999

/** A block held by this process. */
export interface AddressBlock {
  /** For `planInstances`. */
  readonly firstIndex: number
  /** Whether an instance of an earlier run lies in it and may keep its addresses. */
  holds(instance: WorkloadInstance): boolean
  release(): void
}

/** Reserves the block that an earlier run had, else the lowest free one. */
export async function reserveAddressBlock(previous: readonly WorkloadInstance[]): Promise<Result<AddressBlock>> {
  const earlier = blockOf(previous[0])
  const order = Array.from({ length: blocks }, (_, block) => block)
  if (earlier !== undefined) order.unshift(earlier)
  for (const block of order) {
    const server = await listen(`127.66.${block}.${reservationHost}`)
    if (server === undefined) continue
    return ok({
      firstIndex: block * blockSize,
      holds: (instance) => blockOf(instance) === block,
      release: () => void server.close(),
    })
  }
  return err(`all ${blocks} address blocks of this machine are in use by other meshes`)
}

function blockOf(instance: WorkloadInstance | undefined): number | undefined {
  const third = /^127\.6[567]\.(\d+)\.\d+$/.exec(instance?.appAddress ?? '')?.[1]
  return third === undefined ? undefined : Number(third)
}

function listen(host: string): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', () => resolve(undefined))
    server.listen({ host, port: reservationPort, exclusive: true }, () => {
      server.unref()
      resolve(server)
    })
  })
}
