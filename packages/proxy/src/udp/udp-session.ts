import type { DatagramPeer, DatagramSocket, Runtime } from '@weft/core'
import type { Endpoint } from '@weft/engine'
import type { UpstreamCluster } from '../cluster/upstream-cluster.ts'
import type { EndpointSet } from '@weft/engine'
import { sourceAddressTo } from '../pool/source-address.ts'

/** Datagrams kept while the upstream socket of a new session is being opened; more are dropped. */
const maxEarlyDatagrams = 16

/** One client and one endpoint, joined by a socket of their own, so that answers find their way back. */
export class UdpSession {
  readonly peer: DatagramPeer
  readonly cluster: UpstreamCluster
  readonly endpoint: Endpoint
  readonly startWallMs: number
  readonly startMs: number
  /** The endpoints of the cluster when the endpoint was last known to be among them. */
  seen: EndpointSet | undefined
  lastMs: number
  bytesReceived = 0
  bytesSent = 0
  /** Why its socket could not be opened, or the last error on it. */
  failure: string | undefined
  #socket: DatagramSocket | undefined
  #early: Uint8Array[] | undefined = []
  #closed = false

  constructor(
    peer: DatagramPeer,
    to: { readonly cluster: UpstreamCluster; readonly endpoint: Endpoint },
    clock: Runtime['clock'],
  ) {
    this.peer = peer
    this.cluster = to.cluster
    this.endpoint = to.endpoint
    this.seen = to.cluster.endpoints
    this.startWallMs = clock.wallMs()
    this.startMs = this.lastMs = clock.nowMs()
  }

  /** `address:port` on our side, once there is one. */
  get localAddress(): string | undefined {
    return this.#socket === undefined ? undefined : `${this.#socket.address}:${this.#socket.port}`
  }

  /** Opens its socket. `onAnswer` gets what the endpoint, and nobody else, sends. */
  open(net: Runtime['net'], onAnswer: (bytes: Uint8Array) => void, onFailed: () => void): void {
    const { target } = this.endpoint
    const { datagrams } = net
    // A port that nobody can have: what is sent there is dropped, for as long as the session lasts.
    if (target.kind === 'socket' && target.port === 0) return void (this.#early = undefined)
    if (target.kind !== 'socket' || datagrams === undefined) {
      this.failure = 'the endpoint cannot be reached by UDP'
      return onFailed()
    }
    const host =
      sourceAddressTo(target.address, this.cluster.cluster.bindAddress) ??
      (target.address.includes(':') ? '::' : '0.0.0.0')
    const opened = datagrams.bind(
      { host, port: 0 },
      (bytes, from) => {
        if (from.port === target.port && sameAddress(from.address, target.address)) onAnswer(bytes)
      },
      (detail) => (this.failure = detail),
    )
    void opened.then((outcome) => {
      if (!outcome.ok) {
        this.failure = outcome.error
        return this.#closed ? undefined : onFailed()
      }
      if (this.#closed) return outcome.value.close()
      this.#socket = outcome.value
      for (const bytes of this.#early ?? []) outcome.value.send(bytes, target)
      this.#early = undefined
    })
  }

  send(bytes: Uint8Array): void {
    const { target } = this.endpoint
    if (target.kind !== 'socket') return
    if (this.#socket !== undefined) this.#socket.send(bytes, target)
    else if (this.#early !== undefined && this.#early.length < maxEarlyDatagrams) this.#early.push(bytes)
  }

  close(): void {
    this.#closed = true
    this.#early = undefined
    this.#socket?.close()
  }
}

/** The same text, or the same IPv4 address on a socket of both families. */
function sameAddress(a: string, b: string): boolean {
  return a === b || a === `::ffff:${b}`
}
