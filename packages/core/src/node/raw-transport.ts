import { Socket, type SocketConstructorOpts } from 'node:net'
import { getSystemErrorName } from 'node:util'
import type { GatheredOutput } from '../gathered-output.ts'
import type { Transport, TransportClose, TransportHandler } from '../transport.ts'
import { holdClock, releaseClock } from './held-clock.ts'
import type { RawBindings, RawHandle, RawName, RawRequest } from './raw-bindings.ts'
import { Slabs } from './slabs.ts'
import { closeFromError, ignoreTransport, onSharedRead, plainAddress, tellBytes } from './socket-transport.ts'
import { longestPieceBytes, loopTurn, type Turn, type TurnMember } from './turn.ts'

/** A connection's handle; it leads back to its transport. */
export type TransportHandle = RawHandle<RawTransport>

type TransportRequest = RawRequest<RawTransport>

const readBufferBytes = 64 * 1024

/** What libuv reports at the end of a stream. */
const endOfFile = -4095

/** What all raw connections of a process share. They are served one after the other, each within one call. */
export class RawShared {
  readonly bindings: RawBindings
  /** All sockets read into this one: what arrives is consumed during the callback. */
  readonly read = Buffer.allocUnsafeSlow(readBufferBytes)
  readonly turn: Turn
  /** Used again for as long as the kernel takes all at once, which is nearly always. */
  spare: TransportRequest
  /** Room for what is too large for a string and must survive the call. */
  readonly slabs = new Slabs(readBufferBytes)

  constructor(bindings: RawBindings, turn: Turn = loopTurn) {
    this.bindings = bindings
    this.turn = turn
    this.spare = new bindings.WriteWrap()
  }
}

/** A `Transport` straight on libuv's handle, with no `net.Socket`: a call in for each read, a call out for each write. */
export class RawTransport implements Transport, TurnMember {
  handler: TransportHandler = ignoreTransport
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly #shared: RawShared
  /** Undefined once it is closed, or handed to a handshake. */
  #handle: TransportHandle | undefined
  #paused = true
  /** Writes that libuv has not finished. */
  #pending = 0
  /** Reads and bytes of output that the turn keeps. */
  #arriving = 0
  #gathered = 0
  /** Read before it was paused, told when it is resumed; and whether the end came behind it. */
  #early: Buffer | undefined = undefined
  #endsEarly = false
  #wantsDrain = false
  /** Our FIN was asked for; it has left. */
  #endAsked = false
  #endSent = false
  #endReceived = false
  #failure: TransportClose | undefined = undefined
  /** Who has the connection since a handshake began. */
  #heir: Socket | undefined = undefined

  constructor(handle: TransportHandle, shared: RawShared, local: RawName, remote: RawName) {
    this.#handle = handle
    this.#shared = shared
    this.localAddress = plainAddress(local.address)
    this.localPort = local.port ?? 0
    this.remoteAddress = plainAddress(remote.address)
    this.remotePort = remote.port ?? 0
    handle.owner = this
    handle.onread = onRead
    handle.useUserBuffer(shared.read)
    handle.setNoDelay(true)
  }

  get peer(): undefined {
    return undefined
  }

  get alpn(): undefined {
    return undefined
  }

  get sni(): undefined {
    return undefined
  }

  get queuedBytes(): number {
    return this.#gathered + (this.#pending === 0 ? 0 : (this.#handle?.writeQueueSize ?? 0))
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#early === undefined && !this.#endsEarly) this.#startReading()
    else setImmediate(() => this.#tellEarly())
  }

  #startReading(): void {
    if (this.#handle === undefined || this.#endReceived) return
    const code = this.#handle.readStart()
    if (code !== 0) this.#fail('read', code)
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#handle?.readStop()
  }

  write(bytes: Buffer): boolean {
    const { length } = bytes
    if (this.#mayWait() && this.#shared.turn.keepWrite(this, bytes, length)) {
      this.#gathered += length
      return true
    }
    this.#letLeave()
    // A string: what the kernel does not take of it, node copies natively.
    if (length <= longestPieceBytes) return this.writeLatin1(bytes.latin1Slice(0, length))
    const { slabs } = this.#shared
    let going = true
    for (let at = 0; at < length; at += readBufferBytes) {
      const handle = this.#writable()
      if (handle === undefined) return true
      const request = this.#shared.spare
      // The kernel may take a part only, and the caller's bytes are gone when this call is over.
      const slab = slabs.copy(bytes, at, Math.min(length, at + readBufferBytes))
      const error = handle.writeBuffer(request, slab)
      going = this.#written(request, error, slab)
    }
    return going
  }

  writeLatin1(text: string): boolean {
    const handle = this.#writable()
    if (handle === undefined || text === '') return !this.#wantsDrain
    this.#letLeave()
    const request = this.#shared.spare
    return this.#written(request, handle.writeLatin1String(request, text), undefined)
  }

  writeGathered(output: GatheredOutput): boolean {
    const length = output.end - output.start
    if (this.#mayWait() && this.#shared.turn.keepGathered(this, output)) {
      this.#gathered += length
      return true
    }
    this.#letLeave()
    const handle = this.#writable()
    const going = handle === undefined ? !this.#wantsDrain : this.#writeRange(handle, output, output.start, output.end)
    output.drop()
    return going
  }

  /** Output that the turn kept leaves. Whoever wrote it was told to go on. */
  leave(output: GatheredOutput, start: number, end: number): void {
    const handle = this.#handle
    if (handle === undefined) return
    this.#gathered -= end - start
    const wantsDrain = this.#wantsDrain
    this.#writeRange(handle, output, start, end)
    this.#wantsDrain = wantsDrain
  }

  #writeRange(handle: TransportHandle, output: GatheredOutput, start: number, end: number): boolean {
    const request = this.#shared.spare
    const error = handle.writeBuffer(request, output.view(start, end))
    if (!this.#isWaiting(error)) return this.#written(request, error, undefined)
    // libuv keeps a part of it: the memory is the request's until that has left.
    const held = output.bytes
    output.replace(this.#shared.slabs.take())
    return this.#written(request, error, held)
  }

  /** True when output may wait for the end of the turn: behind what libuv holds it would wait for nothing. */
  #mayWait(): boolean {
    return this.#pending === 0 && this.#writable() !== undefined
  }

  /** What the turn keeps of this connection's output leaves, before what is to be written now. */
  #letLeave(): void {
    if (this.#gathered > 0) this.#shared.turn.flush()
  }

  end(): void {
    const handle = this.#writable()
    if (handle === undefined) return
    this.#letLeave()
    this.#endAsked = true
    const request: TransportRequest = new this.#shared.bindings.ShutdownWrap<RawTransport>()
    request.owner = this
    request.oncomplete = onShutdown
    const code = handle.shutdown(request)
    // Anything but zero: there will be no callback. One means done at once.
    if (code !== 0) this.finished(code === 1 ? 0 : code)
  }

  destroy(reset = false): void {
    // A handshake that is given up from outside must not keep its connection.
    if (this.#heir !== undefined) return void this.#heir.destroy()
    this.#letLeave()
    this.#close({ reason: 'local', detail: 'closed by this side' }, reset)
  }

  /** Gives the connection up to a handshake: no callback arrives any more; `destroy` still ends it. */
  detach(): Socket {
    const handle = this.#handle as TransportHandle
    this.#letLeave()
    this.pause()
    this.#handle = undefined
    this.handler = ignoreTransport
    handle.owner = undefined
    handle.reading = false
    const onread = { buffer: this.#shared.read, callback: onSharedRead }
    const options = { handle, allowHalfOpen: true, pauseOnCreate: true, onread }
    const socket = new Socket(options as unknown as SocketConstructorOpts)
    if (this.#early !== undefined) socket.unshift(this.#early)
    this.#heir = socket
    return socket
  }

  /** True while it can be handed to a handshake. */
  get isOpen(): boolean {
    return this.#handle !== undefined
  }

  /** A read came back. */
  read(): void {
    const { bindings, turn, read } = this.#shared
    const count = bindings.streamState[bindings.readCount] as number
    if (count > 0 && turn.keepRead(this, read, count)) {
      this.#arriving++
      return
    }
    // What came before comes first.
    if (this.#arriving > 0) turn.run()
    if (count > 0) {
      holdClock()
      try {
        this.#tell(read, 0, count)
      } finally {
        releaseClock()
      }
    } else if (count === endOfFile) this.#ended()
    else if (count < 0) this.#fail('read', count)
  }

  /** A read that the turn kept. */
  arrived(bytes: Buffer, start: number, end: number): void {
    this.#arriving--
    this.#tell(bytes, start, end)
  }

  #tell(bytes: Buffer, start: number, end: number): void {
    if (this.#handle === undefined) return
    if (!this.#paused) return tellBytes(this.handler, bytes, start, end)
    // Somebody else's read has paused it meanwhile.
    const more = bytes.subarray(start, end)
    this.#early = this.#early === undefined ? Buffer.from(more) : Buffer.concat([this.#early, more])
  }

  #tellEarly(): void {
    const bytes = this.#early
    if (this.#paused || this.#handle === undefined) return
    // Resumed twice: it was told.
    if (bytes === undefined && !this.#endsEarly) return
    this.#early = undefined
    if (bytes !== undefined) this.handler.onData(bytes)
    // What the handler did is in the fields.
    if (this.#paused as boolean) return
    if (!this.#endsEarly) return this.#startReading()
    this.#endsEarly = false
    this.#ended()
  }

  /** A write that the kernel had not taken at once is over. */
  flushed(status: number): void {
    this.#pending -= 1
    if (this.#handle === undefined) return
    if (status < 0) return this.#fail('write', status)
    if (this.#pending > 0 || !this.#wantsDrain) return
    this.#wantsDrain = false
    this.handler.onDrain()
  }

  /** Our FIN has left, or cannot. A peer that is gone already needs none; its reset comes by the read. */
  finished(_status: number): void {
    this.#endSent = true
    if (this.#endReceived) this.#close({ reason: 'closed', detail: '' }, false)
  }

  #writable(): TransportHandle | undefined {
    return this.#endAsked ? undefined : this.#handle
  }

  /** True when libuv has taken a write on and not finished it. */
  #isWaiting(error: number): boolean {
    const { bindings } = this.#shared
    return error === 0 && bindings.streamState[bindings.lastWriteWasAsync] !== 0
  }

  #written(request: TransportRequest, error: number, slab: Buffer | undefined): boolean {
    const { bindings, slabs } = this.#shared
    if (error === 0 && !this.#isWaiting(error)) {
      if (slab !== undefined) slabs.giveBack(slab)
      return !this.#wantsDrain
    }
    this.#shared.spare = new bindings.WriteWrap()
    if (error !== 0) {
      if (slab !== undefined) slabs.giveBack(slab)
      this.#fail('write', error)
      return true
    }
    request.owner = this
    request.held = slab
    request.oncomplete = onWritten
    this.#pending += 1
    this.#wantsDrain = true
    return false
  }

  /** Returns the memory of a finished write. */
  release(slab: Buffer): void {
    this.#shared.slabs.giveBack(slab)
  }

  #ended(): void {
    if (this.#paused) {
      this.#endsEarly = true
      return
    }
    this.#endReceived = true
    this.handler.onEnd()
    if (this.#endSent) this.#close({ reason: 'closed', detail: '' }, false)
  }

  #fail(call: string, errno: number): void {
    const code = getSystemErrorName(errno)
    this.#close(closeFromError({ code, message: `${call} ${code}` }), false)
  }

  #close(close: TransportClose, reset: boolean): void {
    const handle = this.#handle
    // What this side asks for while a failure is on its way is still this side's doing.
    if (handle === undefined) {
      if (this.#failure !== undefined && close.reason === 'local') this.#failure = close
      return
    }
    this.#handle = undefined
    this.#early = undefined
    this.#gathered = 0
    this.#failure = close
    const onClosed = (): void => this.#over()
    if (!reset || handle.reset(onClosed) !== 0) handle.close(onClosed)
  }

  #over(): void {
    const { handler } = this
    const close = this.#failure as TransportClose
    this.handler = ignoreTransport
    handler.onClose(close)
  }
}

function onRead(this: TransportHandle): void {
  this.owner?.read()
}

function onWritten(this: TransportRequest, status: number): void {
  const { owner, held } = this
  this.owner = undefined
  this.held = undefined
  if (owner === undefined) return
  if (held !== undefined) owner.release(held)
  owner.flushed(status)
}

function onShutdown(this: TransportRequest, status: number): void {
  const { owner } = this
  this.owner = undefined
  owner?.finished(status)
}
