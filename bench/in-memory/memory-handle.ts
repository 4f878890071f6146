// Connections of raw transports on handles that are no sockets.
import type { Buffer } from 'node:buffer'
import type { RawBindings, RawRequest } from '../../packages/core/src/node/raw-bindings.ts'
import { RawShared, RawTransport, type TransportHandle } from '../../packages/core/src/node/raw-transport.ts'
import { Turn } from '../../packages/core/src/node/turn.ts'

/** A handle that takes everything at once and says how much it took. */
export class MemoryHandle {
  onread: ((this: MemoryHandle) => void) | undefined = undefined
  owner: unknown = undefined
  reading = false
  writeQueueSize = 0
  taken = 0
  useUserBuffer(): void {}
  readStart(): number {
    return 0
  }
  readStop(): number {
    return 0
  }
  setNoDelay(): number {
    return 0
  }
  close(onClosed?: () => void): void {
    if (onClosed !== undefined) setImmediate(onClosed)
  }
  writeBuffer(_request: unknown, bytes: Buffer): number {
    this.taken += bytes.length
    return 0
  }
  writeLatin1String(_request: unknown, text: string): number {
    this.taken += text.length
    return 0
  }
  /** What libuv does with what arrived. */
  arrive(bytes: Buffer, shared: RawShared): void {
    bytes.copy(shared.read)
    shared.bindings.streamState[shared.bindings.readCount] = bytes.length
    this.onread?.call(this)
  }
}

const nothing = class {} as unknown as new <Owner>() => RawRequest<Owner>

/** One process's share of the event loop; its turns run when they are told to. */
export function memoryShared(): RawShared {
  return new RawShared(
    {
      TCP: MemoryHandle as unknown as RawBindings['TCP'],
      TCPConnectWrap: nothing,
      WriteWrap: nothing,
      ShutdownWrap: nothing,
      clientType: 0,
      streamState: new Int32Array(5),
      readCount: 0,
      lastWriteWasAsync: 3,
    },
    new Turn().always(),
  )
}

/** A connection on such a handle. */
export function memoryConnection(handle: MemoryHandle, shared: RawShared, remotePort: number): RawTransport {
  const local = { address: '127.66.0.2', port: 18_080 }
  const remote = { address: '127.0.0.1', port: remotePort }
  return new RawTransport(handle as unknown as TransportHandle, shared, local, remote)
}
