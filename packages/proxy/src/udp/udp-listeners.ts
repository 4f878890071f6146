import type { DatagramSocket, Runtime, Timer } from '@weft/core'
import type { ActiveConfig, Listener } from '@weft/engine'
import type { BoundAddress } from '../listen/listener-manager.ts'
import type { DatagramServer, DatagramServing } from './serve-udp.ts'

/** A taken or missing address is tried again this often. */
const retryMs = 1_000

interface Bound {
  readonly host: string
  readonly port: number
  listener: Listener
  state: BoundAddress['state']
  error: string | undefined
  socket: DatagramSocket | undefined
  server: DatagramServer | undefined
  binding: Promise<void>
  retry: Timer | undefined
  closed: boolean
}

/** Binds the UDP addresses that the configuration lists; what stays keeps its socket and its sessions. */
export class UdpListeners {
  readonly #runtime: Pick<Runtime, 'net' | 'timers' | 'log'>
  readonly #serve: DatagramServing
  readonly #bound = new Map<string, Bound>()
  #listeners: ReadonlyMap<string, Listener> = new Map()
  #closedTo: (listener: Listener) => boolean = () => false

  constructor(runtime: Pick<Runtime, 'net' | 'timers' | 'log'>, serve: DatagramServing) {
    this.#runtime = runtime
    this.#serve = serve
  }

  apply(config: ActiveConfig): void {
    this.#listeners = config.listeners
    this.#reconcile()
  }

  addresses(): readonly BoundAddress[] {
    return [...this.#bound.values()].map(({ listener, host, port, socket, state, error }) => ({
      listener: listener.name,
      address: `${host}:${socket?.port ?? port}`,
      state,
      error,
    }))
  }

  /** The port that a listener with port 0 got; for tests. */
  portOf(listenerName: string): number | undefined {
    for (const { listener, socket } of this.#bound.values()) if (listener.name === listenerName) return socket?.port
    return undefined
  }

  /** Ends the listeners that `which` names, with their sessions: datagrams have no end to wait for. */
  stop(which: (listener: Listener) => boolean): void {
    this.#closedTo = which
    this.#reconcile()
  }

  async settled(): Promise<void> {
    await Promise.all([...this.#bound.values()].map(({ binding }) => binding))
  }

  #reconcile(): void {
    const wanted = new Map<string, { readonly listener: Listener; readonly host: string; readonly port: number }>()
    for (const listener of this.#listeners.values()) {
      if (listener.udp === undefined || !listener.bindToPort || this.#closedTo(listener)) continue
      for (const address of [listener.address, ...listener.additionalAddresses]) {
        if (address.kind === 'udp')
          wanted.set(`${address.host} ${address.port}`, { listener, host: address.host, port: address.port })
      }
    }
    for (const [key, bound] of [...this.#bound]) {
      if (wanted.has(key)) continue
      this.#bound.delete(key)
      close(bound)
    }
    for (const [key, { listener, host, port }] of wanted) {
      const known = this.#bound.get(key)
      if (known === undefined) this.#begin(key, listener, host, port)
      else if (known.listener !== listener) {
        known.listener = listener
        if (listener.udp !== undefined) known.server?.configure(listener.udp)
      }
    }
  }

  #begin(key: string, listener: Listener, host: string, port: number): void {
    const bound: Bound = {
      host,
      port,
      listener,
      state: 'binding',
      error: undefined,
      socket: undefined,
      server: undefined,
      binding: Promise.resolve(),
      retry: undefined,
      closed: false,
    }
    this.#bound.set(key, bound)
    this.#bind(bound)
  }

  #bind(bound: Bound): void {
    const { net, log } = this.#runtime
    if (net.datagrams === undefined) return this.#failed(bound, 'this network carries no datagrams')
    const binding = net.datagrams.bind(
      bound,
      (bytes, from) => bound.server?.onDatagram(bytes, from),
      (detail) => log.debug('datagram socket', { listener: bound.listener.name, detail }),
    )
    bound.binding = binding.then((outcome) => {
      if (bound.closed) return outcome.ok ? outcome.value.close() : undefined
      if (!outcome.ok) return this.#failed(bound, outcome.error)
      bound.socket = outcome.value
      bound.state = 'listening'
      bound.error = undefined
      if (bound.listener.udp !== undefined) bound.server = this.#serve(bound.listener.udp, outcome.value)
    })
  }

  #failed(bound: Bound, error: string): void {
    const { log, timers } = this.#runtime
    if (bound.error !== error) {
      log.error('UDP listener cannot be bound; trying again', { listener: bound.listener.name, error })
    }
    bound.state = 'failed'
    bound.error = error
    bound.retry = timers.set(retryMs, () => this.#bind(bound), { keepAlive: false })
  }
}

function close(bound: Bound): void {
  bound.closed = true
  bound.retry?.cancel()
  bound.server?.close()
  bound.socket?.close()
}
