import type { PeerIdentity, Runtime, TlsServerOptions, Transport } from '@weft/core'
import type { ConnectionFacts, DownstreamTls, FilterChain, Listener } from '@weft/engine'
import type { Secrets } from '../config/secret-source.ts'
import type { ConnectionServer } from './accepted-connection.ts'
import type { ConnectionTable, OpenConnection } from './connection-table.ts'
import { peerVerifier, type SanTest } from './peer-verifier.ts'
import { type Sniffed, sniff } from './sniff.ts'

/** A handshake without a limit of its own ends after this long (Envoy's default transport socket connect timeout). */
const defaultHandshakeTimeoutMs = 15_000

/** The decisions of the engine that accepting needs. */
export interface AcceptDecisions {
  matchFilterChain(listener: Listener, facts: ConnectionFacts): FilterChain | undefined
  testSan: SanTest
}

/** Why a connection was refused before the request path saw it; the name of Envoy's counter, without its prefix. */
export type AcceptRefusal =
  | 'no_filter_chain_match'
  | 'downstream_cx_overflow'
  | 'downstream_listener_filter_error'
  | 'ssl_connection_error'
  | 'no_certificate'

/** What accepting needs from the proxy around it. */
export interface AcceptContext {
  readonly runtime: Pick<Runtime, 'clock' | 'timers' | 'net' | 'log'>
  readonly decisions: AcceptDecisions
  readonly secrets: Secrets
  readonly connections: ConnectionTable
  readonly serve: ConnectionServer
  onRefused(listener: Listener, refusal: AcceptRefusal, detail: string): void
}

/**
 * Takes one fresh connection of `listener` through sniffing, choice of the filter chain and handshake, and hands it to
 * the request path.
 */
export function acceptConnection(transport: Transport, listener: Listener, context: AcceptContext): void {
  sniff(transport, listener.sniff, context.runtime.timers, {
    onDone: (sniffed) => choose(transport, listener, sniffed, context),
    onGone: (reason) => {
      if (reason !== 'downstream_closed') context.onRefused(listener, 'downstream_listener_filter_error', reason)
    },
  })
}

function choose(transport: Transport, listener: Listener, sniffed: Sniffed, context: AcceptContext): void {
  const facts: ConnectionFacts = {
    localAddress: transport.localAddress,
    localPort: transport.localPort,
    remoteAddress: transport.remoteAddress,
    remotePort: transport.remotePort,
    sni: sniffed.serverName === '' ? undefined : sniffed.serverName,
    transportProtocol: sniffed.transportProtocol,
    applicationProtocols: sniffed.applicationProtocols,
    tls: false,
    peerNames: [],
  }
  const chain = context.decisions.matchFilterChain(listener, facts)
  if (chain === undefined) {
    context.onRefused(listener, 'no_filter_chain_match', `from ${transport.remoteAddress}`)
    transport.destroy()
  } else if (chain.tls === undefined) {
    handOver({ transport, listener, chain, facts, head: sniffed.head }, context)
  } else {
    shakeHands({ transport, listener, chain, facts, head: sniffed.head }, chain.tls, context)
  }
}

interface Chosen {
  readonly transport: Transport
  readonly listener: Listener
  readonly chain: FilterChain
  readonly facts: ConnectionFacts
  readonly head: Sniffed['head']
}

/** What a handshake adds. */
interface Secured {
  readonly ownSerial: string
  readonly ownNotAfterMs: number
  readonly certificateSecret: string
  readonly peer: PeerIdentity | undefined
}

function shakeHands(chosen: Chosen, tls: DownstreamTls, context: AcceptContext): void {
  const { transport, listener, facts } = chosen
  const own = tls.certificateSecret === undefined ? undefined : context.secrets.certificate(tls.certificateSecret)
  const rootsPem = tls.rootsSecret === undefined ? undefined : context.secrets.rootsPem(tls.rootsSecret)
  if (own === undefined || (tls.rootsSecret !== undefined && rootsPem === undefined)) {
    context.onRefused(
      listener,
      'no_certificate',
      `secret ${own ? tls.rootsSecret : tls.certificateSecret} is not there`,
    )
    transport.destroy()
    return
  }
  let dnsNames: readonly string[] = []
  const verify = peerVerifier(tls, own.facts.spiffeId, context.decisions.testSan)
  const options: TlsServerOptions = {
    material: own.material,
    clientRootsPem: rootsPem,
    requireClientCertificate: tls.requireClientCertificate,
    alpn: tls.alpn,
    minVersion: tls.minVersion,
    verifyPeer:
      rootsPem === undefined
        ? undefined
        : (peer) => {
            dnsNames = peer.dnsNames
            return verify(peer)
          },
  }
  let over = false
  const timeoutMs = chosen.chain.handshakeTimeoutMs > 0 ? chosen.chain.handshakeTimeoutMs : defaultHandshakeTimeoutMs
  const timer = context.runtime.timers.set(timeoutMs, () => {
    over = true
    context.onRefused(listener, 'ssl_connection_error', 'handshake timed out')
    transport.destroy()
  })
  context.runtime.net.secureServer(
    transport,
    chosen.head,
    options,
    (secured) => {
      timer.cancel()
      if (over) return secured.destroy()
      const { peer } = secured
      const peerNames = [...(peer?.spiffeId === undefined ? [] : [peer.spiffeId]), ...dnsNames]
      const securedFacts: ConnectionFacts = { ...facts, tls: true, peerNames, localPrincipal: own.facts.spiffeId }
      handOver({ ...chosen, transport: secured, facts: securedFacts, head: undefined }, context, {
        ownSerial: own.facts.serial,
        ownNotAfterMs: own.facts.notAfterMs,
        certificateSecret: own.name,
        peer,
      })
    },
    (close) => {
      timer.cancel()
      if (!over) context.onRefused(listener, 'ssl_connection_error', close.detail)
    },
  )
}

function handOver(chosen: Chosen, context: AcceptContext, secured?: Secured): void {
  const { transport, listener, chain, facts, head } = chosen
  const open: OpenConnection = {
    listener,
    chain,
    facts,
    served: undefined,
    ownSerial: secured?.ownSerial,
    certificateSecret: secured?.certificateSecret,
    expiresWallMs:
      secured === undefined
        ? undefined
        : Math.min(secured.ownNotAfterMs, secured.peer?.notAfterMs ?? Number.POSITIVE_INFINITY),
    draining: false,
    deadline: undefined,
  }
  context.connections.add(open)
  open.served = context.serve({
    transport,
    head,
    facts,
    peer: secured?.peer,
    listener: () => open.listener,
    chain: () => open.chain,
    onClosed: () => context.connections.remove(open),
  })
}
