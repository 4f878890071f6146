// Opens xDS streams: ADS over mutual TLS, SDS over the host agent's Unix socket in plaintext. Each has a connection of its own, so that a
// reconnect always shows the newest SVID.
import type { PeerVerifier, Runtime, Transport, TransportClose } from '@weft/core'
import { certificateFacts, checkLeaf } from '@weft/identity'
import { type GrpcMethod, openGrpcCall } from './grpc-call.ts'
import type { ControlPlaneTls, XdsDialer } from './subscription.ts'

const connectTimeoutMs = 5_000

const paths = {
  ads: { delta: '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources' },
  sds: {
    delta: '/envoy.service.secret.v3.SecretDiscoveryService/DeltaSecrets',
    sotw: '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets',
  },
} as const

type DialRuntime = Pick<Runtime, 'clock' | 'timers' | 'net'>
type Secure = (
  transport: Transport,
  onOpen: (secured: Transport) => void,
  onFail: (close: TransportClose) => void,
) => void

/** Dials a control plane's ADS (Delta) over mutual TLS 1.3. `tls` is asked at each connect. */
export function adsDialer(
  runtime: DialRuntime,
  at: { readonly host: string; readonly port: number },
  tls: () => ControlPlaneTls,
): XdsDialer {
  const authority = at.host.includes(':') ? `[${at.host}]:${at.port}` : `${at.host}:${at.port}`
  const method: GrpcMethod = { path: paths.ads.delta, kind: 'delta', authority, remote: `${at.host}:${at.port}` }
  return dialer(runtime, at, method, (transport, onOpen, onFail) => {
    const { material, rootsPem, serverSpiffeId } = tls()
    const isAddress = /^[\d.]+$|:/.test(at.host)
    runtime.net.secureClient(
      transport,
      {
        ...{ material, rootsPem, sni: isAddress ? undefined : at.host, alpn: ['h2'], minVersion: 'TLSv1.3' },
        verifyPeer: controlPlaneVerifier(serverSpiffeId),
      },
      (secured) => {
        if (secured.alpn === 'h2') return onOpen(secured)
        secured.destroy()
        onFail({ reason: 'tls', detail: 'the control plane does not speak HTTP/2' })
      },
      onFail,
    )
  })
}

/** Dials the host agent's SDS on a Unix socket. */
export function sdsDialer(runtime: DialRuntime, socketPath: string, kind: 'delta' | 'sotw' = 'delta'): XdsDialer {
  const method: GrpcMethod = { path: paths.sds[kind], kind, authority: 'localhost', remote: socketPath }
  return dialer(runtime, { host: socketPath, port: 0 }, method, (transport, onOpen) => onOpen(transport))
}

/** The chain is verified by then; the name is replaced by the SPIFFE id. */
function controlPlaneVerifier(wanted: string): PeerVerifier {
  return ({ leafDer, spiffeId }) => {
    if (leafDer !== undefined) {
      const facts = certificateFacts(leafDer)
      if (!facts.ok) return `control plane: ${facts.error}`
      const leaf = checkLeaf(facts.value)
      if (!leaf.ok) return `control plane: ${leaf.error}`
    }
    return spiffeId === wanted ? undefined : `the control plane is ${spiffeId}, expected ${wanted}`
  }
}

/** Connecting and the handshake share one time limit. */
function dialer(
  runtime: DialRuntime,
  at: { readonly host: string; readonly port: number },
  method: GrpcMethod,
  secure: Secure,
): XdsDialer {
  return (onOpen, onFail) => {
    let settled = false
    let plain: Transport | undefined
    const settle = (): boolean => {
      const first = !settled
      settled = true
      timeout.cancel()
      return first
    }
    const giveUp = (): void => {
      cancelConnect()
      plain?.destroy()
    }
    const failed = ({ reason, detail }: TransportClose): void => {
      if (settle()) onFail(`${method.remote}: ${detail === '' ? reason : detail}`)
    }
    const opened = (transport: Transport): void => {
      if (settle()) onOpen(openGrpcCall(runtime, transport, method))
      else transport.destroy()
    }
    const connected = (transport: Transport): void => {
      plain = transport
      secure(transport, opened, failed)
    }
    const timeout = runtime.timers.set(
      connectTimeoutMs,
      () => {
        failed({ reason: 'timeout', detail: 'connect timed out' })
        giveUp()
      },
      { keepAlive: false },
    )
    const cancelConnect = runtime.net.connect(at, connected, failed)
    return () => {
      if (settle()) giveUp()
    }
  }
}
