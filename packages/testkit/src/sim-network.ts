import type { ConnectOptions, Net, NetListener, Rng, Timers, Transport, TransportClose } from '@weft/core'
import { simSecureClient, simSecureServer } from './sim-tls.ts'
import { type SimLink, SimTransport } from './sim-transport.ts'
import type { VirtualClock } from './virtual-clock.ts'

interface Bound {
  readonly host: string
  readonly onConnection: (transport: Transport) => void
}

interface Connection {
  readonly hosts: readonly [string, string]
  readonly ends: readonly [SimTransport, SimTransport]
}

/** How long a connect into a cut network takes to give up. */
const connectTimeoutMs = 10_000

/**
 * A network in memory. Each host (a name, usually one process of the simulated world) gets its own `Net`; addresses are
 * strings, any host may bind any of them, as on one machine's loopback.
 */
export class SimNetwork {
  readonly #clock: VirtualClock
  readonly #rng: Rng
  readonly #bound = new Map<string, Bound>()
  readonly #connections = new Set<Connection>()
  readonly #cuts = new Set<string>()
  #nextPort = 40_000
  /** One-way delay, milliseconds: uniform between the two. */
  latencyMs: readonly [number, number] = [0, 0]
  /** Connections opened so far; tests count work with it. */
  opened = 0

  constructor(clock: VirtualClock, rng: Rng) {
    this.#clock = clock
    this.#rng = rng
  }

  /** The network as `host` sees it. */
  netOf(host: string): Net {
    return {
      listen: async (at, onConnection) => this.#listen(host, at, onConnection),
      connect: (options, onOpen, onFail) => this.#connect(host, options, onOpen, onFail),
      secureServer: (transport, head, options, onOpen, onFail) =>
        simSecureServer({ transport, head, wallMs: this.#clock.wallMs() }, options, onOpen, onFail),
      secureClient: (transport, options, onOpen, onFail) =>
        simSecureClient({ transport, wallMs: this.#clock.wallMs() }, options, onOpen, onFail),
    }
  }

  /** Stops all delivery between two hosts, both ways, until `mend`. New connects time out. */
  cut(a: string, b: string): void {
    this.#cuts.add(pairKey(a, b))
  }

  /** Undoes `cut`; what waited is delivered. */
  mend(a: string, b: string): void {
    this.#cuts.delete(pairKey(a, b))
  }

  /** What `kill -9` of a process does to its sockets: listeners vanish, every connection is reset. */
  kill(host: string): void {
    for (const [key, bound] of this.#bound) if (bound.host === host) this.#bound.delete(key)
    for (const connection of this.#connections) {
      const side = connection.hosts.indexOf(host)
      if (side < 0) continue
      this.#connections.delete(connection)
      connection.ends[side]?.destroy(true)
    }
  }

  /** Open connections that touch `host`. */
  connectionsOf(host: string): number {
    let count = 0
    for (const { hosts, ends } of this.#connections) if (hosts.includes(host) && ends[0].open && ends[1].open) count++
    return count
  }

  #listen(
    host: string,
    at: { readonly host: string; readonly port: number },
    onConnection: (transport: Transport) => void,
  ): { ok: true; value: NetListener } | { ok: false; error: string } {
    const port = at.port === 0 ? this.#nextPort++ : at.port
    const key = `${at.host}:${port}`
    if (this.#bound.has(key)) return { ok: false, error: `EADDRINUSE: address already in use ${key}` }
    const bound: Bound = { host, onConnection }
    this.#bound.set(key, bound)
    const close = async (): Promise<void> => {
      if (this.#bound.get(key) === bound) this.#bound.delete(key)
    }
    return { ok: true, value: { address: at.host, port, close } }
  }

  #connect(
    host: string,
    options: ConnectOptions,
    onOpen: (transport: Transport) => void,
    onFail: (close: TransportClose) => void,
  ): () => void {
    const at = `${options.host}:${options.port}`
    const isCut = (): boolean => {
      const bound = this.#find(options)
      return bound !== undefined && this.#cuts.has(pairKey(host, bound.host))
    }
    const timer = this.#clock.set(isCut() ? connectTimeoutMs : this.#latency() * 2, () => {
      const bound = this.#find(options)
      if (isCut()) onFail({ reason: 'timeout', detail: `connect ETIMEDOUT ${at}` })
      else if (bound === undefined) onFail({ reason: 'refused', detail: `connect ECONNREFUSED ${at}` })
      else this.#open(host, bound, options, onOpen)
    })
    return () => timer.cancel()
  }

  #find(options: ConnectOptions): Bound | undefined {
    return this.#bound.get(`${options.host}:${options.port}`) ?? this.#bound.get(`0.0.0.0:${options.port}`)
  }

  #open(host: string, bound: Bound, options: ConnectOptions, onOpen: (transport: Transport) => void): void {
    const link: SimLink = {
      timers: this.#clock satisfies Timers,
      nowMs: () => this.#clock.nowMs(),
      latencyMs: () => this.#latency(),
      cut: () => this.#cuts.has(pairKey(host, bound.host)),
    }
    const local = { localAddress: options.localAddress ?? '127.0.0.1', localPort: this.#nextPort++ }
    const client = new SimTransport(link, { ...local, remoteAddress: options.host, remotePort: options.port })
    const server = new SimTransport(link, {
      localAddress: options.host,
      localPort: options.port,
      remoteAddress: local.localAddress,
      remotePort: local.localPort,
    })
    client.join(server)
    this.opened++
    for (const old of this.#connections) if (!old.ends[0].open && !old.ends[1].open) this.#connections.delete(old)
    this.#connections.add({ hosts: [host, bound.host], ends: [client, server] })
    bound.onConnection(server)
    onOpen(client)
  }

  #latency(): number {
    const [low, high] = this.latencyMs
    return low === high ? low : low + (high - low) * this.#rng.float()
  }
}

function pairKey(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`
}
