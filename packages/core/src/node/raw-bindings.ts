// What node's own net.Socket stands on. Undocumented, so nothing is taken on trust: shapes are looked at here, behaviour is
// tried by `testRawNet`, and whatever is amiss leaves `net.Socket` in place.
import { err, ok, type Result } from '../result.ts'

/** A request that libuv holds until its outcome is known; `oncomplete` is called with it as `this`. */
export interface RawRequest<Owner> {
  oncomplete: ((this: RawRequest<Owner>, status: number) => void) | undefined
  owner: Owner | undefined
  /** Bytes that must stay where they are meanwhile. */
  held: Buffer | undefined
}

/** Name of a socket's end, filled in by the handle. */
export interface RawName {
  address?: string
  port?: number
}

/** One TCP connection of libuv as node's C++ hands it to JavaScript. Codes below zero are errors. */
export interface RawHandle<Owner> {
  /** Called with the handle as `this`; how much was read stands in `streamState`. */
  onread: ((this: RawHandle<Owner>) => void) | undefined
  owner: Owner | undefined
  reading: boolean
  /** Bytes that libuv holds for writing. */
  readonly writeQueueSize: number
  useUserBuffer(buffer: Buffer): void
  readStart(): number
  readStop(): number
  writeLatin1String(request: RawRequest<Owner>, text: string): number
  writeBuffer(request: RawRequest<Owner>, bytes: Uint8Array): number
  shutdown(request: RawRequest<Owner>): number
  close(onClosed?: () => void): void
  reset(onClosed?: () => void): number
  bind(address: string, port: number, flags: number): number
  bind6(address: string, port: number, flags: number): number
  connect(request: RawRequest<unknown>, address: string, port: number): number
  connect6(request: RawRequest<unknown>, address: string, port: number): number
  setNoDelay(on: boolean): number
  setKeepAlive(on: boolean, idleSeconds: number, intervalSeconds: number, probes: number): number
  getsockname(name: RawName): number
  getpeername(name: RawName): number
}

/** Node's classes for raw connections, and the four numbers that its C++ answers calls with. */
export interface RawBindings {
  readonly TCP: { new <Owner>(type: number): RawHandle<Owner>; readonly prototype: object }
  readonly TCPConnectWrap: new () => RawRequest<unknown>
  readonly WriteWrap: new <Owner>() => RawRequest<Owner>
  readonly ShutdownWrap: new <Owner>() => RawRequest<Owner>
  /** `new TCP(clientType)`: a connection, not a listener. */
  readonly clientType: number
  readonly streamState: Int32Array
  /** Places in `streamState`. */
  readonly readCount: number
  readonly lastWriteWasAsync: number
}

const methods = [
  'useUserBuffer',
  'readStart',
  'readStop',
  'writeLatin1String',
  'writeBuffer',
  'shutdown',
  'close',
  'reset',
  'bind',
  'bind6',
  'connect',
  'connect6',
  'setNoDelay',
  'getsockname',
  'getpeername',
]

/**
 * The raw classes of this version of node. `process.binding` is the one way there: the classes could be had from a live
 * socket, but not `streamState`, without which a read's length and a write's fate cost another call each.
 */
export function loadRawBindings(): Result<RawBindings> {
  const { binding } = process as unknown as { binding?: (name: string) => Record<string, unknown> }
  if (typeof binding !== 'function') return err('this version of node has no process.binding')
  let tcp: Record<string, unknown>
  let stream: Record<string, unknown>
  try {
    tcp = binding('tcp_wrap')
    stream = binding('stream_wrap')
  } catch (error) {
    return err(`node gives no raw handles: ${error instanceof Error ? error.message : String(error)}`)
  }
  const found = {
    TCP: tcp['TCP'],
    TCPConnectWrap: tcp['TCPConnectWrap'],
    WriteWrap: stream['WriteWrap'],
    ShutdownWrap: stream['ShutdownWrap'],
    clientType: (tcp['constants'] as Record<string, unknown> | undefined)?.['SOCKET'],
    streamState: stream['streamBaseState'],
    readCount: stream['kReadBytesOrError'],
    lastWriteWasAsync: stream['kLastWriteWasAsync'],
  }
  for (const name of ['TCP', 'TCPConnectWrap', 'WriteWrap', 'ShutdownWrap'] as const) {
    if (typeof found[name] !== 'function') return err(`node has no ${name}`)
  }
  for (const name of ['clientType', 'readCount', 'lastWriteWasAsync'] as const) {
    if (typeof found[name] !== 'number') return err(`node has no ${name}`)
  }
  if (!(found.streamState instanceof Int32Array)) return err('node has no stream state')
  const bindings = found as unknown as RawBindings
  const missing = methods.find((name) => typeof Reflect.get(bindings.TCP.prototype, name) !== 'function')
  return missing === undefined ? ok(bindings) : err(`node's TCP handles have no ${missing}`)
}
