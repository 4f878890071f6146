import { err, type NetListener, ok, type PeerIdentity, type Result, type Timer, type Transport } from '@weft/core'
import type { ActiveConfig, ConnectionFacts, ListenAddress, Listener } from '@weft/engine'
import { type AcceptContext, acceptConnection } from './accept.ts'
import { InternalOpening } from './internal-opening.ts'
import { transportPair } from './transport-pair.ts'

/** A taken or missing address is tried again this often. */
const retryMs = 1_000

/** Bounds of the listener side. */
export interface ListenLimits {
  /** Connections at once on all listeners together, those in their handshake included; more are reset. */
  readonly maxConnections: number
  /** How long connections of a listener that changed or went may take to finish. */
  readonly drainMs: number
}

/** One address as `/listeners` and `weft status` show it. */
export interface BoundAddress {
  readonly listener: string
  readonly address: string
  readonly state: 'binding' | 'listening' | 'failed'
  /** Why it is not bound. */
  readonly error: string | undefined
}

interface Socket {
  readonly host: string
  readonly port: number
  listenerName: string
  state: BoundAddress['state']
  error: string | undefined
  bound: NetListener | undefined
  binding: Promise<void>
  retry: Timer | undefined
  closed: boolean
}

/** How an in-process connection presents itself to an internal listener. */
export interface InternalEnds {
  /** Where the client meant to go: a tunnel's CONNECT authority. */
  readonly destination: { readonly address: string; readonly port: number }
  /** Who opened the tunnel. */
  readonly source: { readonly address: string; readonly port: number; readonly peer: PeerIdentity | undefined }
  /** What the endpoint's transport socket passes on, by namespace. */
  readonly metadata?: ConnectionFacts['metadata']
}

/**
 * Binds what the configuration lists and nothing else. A listener whose address stays keeps its socket; connections of
 * a changed listener go on or drain (see `ConnectionTable`). An address that cannot be bound is reported and tried again.
 */
export class ListenerManager {
  readonly #context: AcceptContext
  readonly #limits: ListenLimits
  readonly #sockets = new Map<string, Socket>()
  #listeners: ReadonlyMap<string, Listener> = new Map()
  #closedTo: (listener: Listener) => boolean = () => false

  constructor(context: Omit<AcceptContext, 'present' | 'drainMs'>, limits: ListenLimits) {
    this.#context = { ...context, present: (name) => this.#listeners.get(name), drainMs: limits.drainMs }
    this.#limits = limits
  }

  /** Brings sockets in line with a new configuration. */
  apply(config: ActiveConfig): void {
    const previous = this.#listeners
    this.#listeners = config.listeners
    for (const [name, before] of previous) {
      const after = config.listeners.get(name)
      if (after === before) continue
      this.#context.connections.replaceListener(
        name,
        after,
        (listener, { facts }) => this.#context.decisions.matchFilterChain(listener, facts),
        this.#limits.drainMs,
      )
    }
    void Promise.all(this.#bindAll())
  }

  /** Begins an in-process connection to an internal listener. */
  connectInternal(listenerName: string, ends: InternalEnds): Result<InternalOpening> {
    const listener = this.#listeners.get(listenerName)
    if (listener === undefined || listener.address.kind !== 'internal') {
      return err(`no internal listener ${listenerName}`)
    }
    const { destination, source, metadata } = ends
    const nearEnd = {
      localAddress: source.address,
      localPort: source.port,
      remoteAddress: destination.address,
      remotePort: destination.port,
      peer: undefined,
    }
    const farEnd = {
      localAddress: destination.address,
      localPort: destination.port,
      remoteAddress: source.address,
      remotePort: source.port,
      peer: source.peer,
    }
    const [near, far] = transportPair(nearEnd, farEnd, this.#context.runtime.timers)
    const opening = new InternalOpening(near, nearEnd)
    acceptConnection(far, listener, this.#context, { opening, metadata })
    return ok(opening)
  }

  /** Every address and its state, in order of address. */
  addresses(): readonly BoundAddress[] {
    const list = [...this.#sockets.values()].map(({ listenerName, host, port, state, error, bound }) => ({
      listener: listenerName,
      address: `${host}:${bound?.port ?? port}`,
      state,
      error,
    }))
    return list.sort((a, b) => (a.address < b.address ? -1 : 1))
  }

  /** The port that a listener with port 0 got; for tests. */
  portOf(listenerName: string): number | undefined {
    for (const socket of this.#sockets.values()) if (socket.listenerName === listenerName) return socket.bound?.port
    return undefined
  }

  /** Stops accepting for good on the listeners that `which` names; open connections live on. */
  async stopAccepting(which: (listener: Listener) => boolean): Promise<void> {
    this.#closedTo = which
    await Promise.all(this.#bindAll())
  }

  /** Resolves when every address is either bound or known not to be. */
  async settled(): Promise<void> {
    await Promise.all([...this.#sockets.values()].map(({ binding }) => binding))
  }

  /** Binds and unbinds as the configuration says; resolves one by one when what went is closed. */
  #bindAll(): Promise<void>[] {
    const wanted = new Map<string, { readonly listener: Listener; readonly address: ListenAddress }>()
    for (const listener of this.#listeners.values()) {
      if (!listener.bindToPort || this.#closedTo(listener)) continue
      for (const address of [listener.address, ...listener.additionalAddresses]) {
        if (address.kind === 'socket') wanted.set(`${address.host}:${address.port}`, { listener, address })
      }
    }
    const closing: Promise<void>[] = []
    for (const [key, socket] of [...this.#sockets]) {
      if (wanted.has(key)) continue
      this.#sockets.delete(key)
      closing.push(this.#unbind(socket))
    }
    for (const [key, { listener, address }] of wanted) {
      const known = this.#sockets.get(key)
      if (known !== undefined) known.listenerName = listener.name
      else if (address.kind === 'socket') this.#bind(key, listener.name, address)
    }
    return closing
  }

  #bind(key: string, listenerName: string, { host, port }: { readonly host: string; readonly port: number }): void {
    const socket: Socket = {
      host,
      port,
      listenerName,
      state: 'binding',
      error: undefined,
      bound: undefined,
      binding: Promise.resolve(),
      retry: undefined,
      closed: false,
    }
    this.#sockets.set(key, socket)
    this.#listen(socket)
  }

  #listen(socket: Socket): void {
    const { net, log, timers } = this.#context.runtime
    const listening = net.listen({ host: socket.host, port: socket.port }, (transport) =>
      this.#accept(socket, transport),
    )
    socket.binding = listening.then((outcome) => {
      if (socket.closed) {
        if (outcome.ok) void outcome.value.close()
        return
      }
      if (outcome.ok) {
        if (socket.error !== undefined) log.info('listener bound after all', { listener: socket.listenerName })
        socket.bound = outcome.value
        socket.state = 'listening'
        socket.error = undefined
        return
      }
      if (socket.error !== outcome.error) {
        log.error('listener cannot be bound; trying again', { listener: socket.listenerName, error: outcome.error })
      }
      socket.state = 'failed'
      socket.error = outcome.error
      socket.retry = timers.set(retryMs, () => this.#listen(socket), { keepAlive: false })
    })
  }

  #accept(socket: Socket, transport: Transport): void {
    const listener = this.#listeners.get(socket.listenerName)
    if (listener === undefined) return transport.destroy()
    // Who takes its time to say what it wants holds a descriptor like the others.
    const { size, arriving } = this.#context.connections
    if (size + arriving >= this.#limits.maxConnections) {
      this.#context.onRefused(listener, 'downstream_cx_overflow', `${this.#limits.maxConnections} connections are open`)
      return transport.destroy(true)
    }
    acceptConnection(transport, listener, this.#context)
  }

  async #unbind(socket: Socket): Promise<void> {
    socket.closed = true
    socket.retry?.cancel()
    await socket.bound?.close()
  }
}
