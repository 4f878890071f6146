// The gRPC server of the control plane: ADS over mutual TLS, Delta and State of the World, and whatever unary services
// are handed in (the certificate authority). Messages pass through unparsed; the distributor reads and writes them.
import {
  experimental,
  Server,
  type ServerDuplexStream,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { Logger, Result, TlsMaterial } from '@weft/core'
import { passThroughService, type XdsStream, type XdsStreamHandler } from '@weft/xds'
import { renewableCertificates } from './certificate-source.ts'
import { peerOfCall } from './peer-identity.ts'

/** A gRPC service beside ADS. */
export interface GrpcService {
  readonly definition: ServiceDefinition
  readonly implementation: UntypedServiceImplementation
}

/** How to serve. */
export interface AdsServerOptions {
  readonly host: string
  /** 0 is any free port. */
  readonly port: number
  readonly material: TlsMaterial
  /** PEM: clients must chain to one of these. */
  readonly clientRootsPem: string
  /**
   * True: a client without an acceptable certificate fails in the handshake. False: it may connect (for services that attest by
   * token); ADS refuses it either way.
   */
  readonly requireClientCertificate: boolean
  readonly services: readonly GrpcService[]
  readonly onStream: (stream: XdsStream) => void
  readonly log: Logger
}

/** A serving server. */
export interface AdsServer {
  readonly host: string
  readonly port: number
  /** New handshakes use the new certificate and roots; open connections live on. */
  renew(material: TlsMaterial, clientRootsPem: string): void
  /** Stops listening and ends all streams. */
  close(): void
}

/** Connections that carry no call are ended after this long: neither agents nor proxies need one while they ask for nothing. */
const maxConnectionIdleMs = 60_000
/** Connections are ended after this long (with a grace period), so that certificates are shown anew. */
const maxConnectionAgeMs = 30 * 60_000

const adsService: ServiceDefinition = passThroughService('envoy.service.discovery.v3.AggregatedDiscoveryService', [
  'DeltaAggregatedResources',
  'StreamAggregatedResources',
])

/** Binds and serves. The error says why the address cannot be had. */
export function startAdsServer(options: AdsServerOptions): Promise<Result<AdsServer>> {
  const server = new Server({
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.max_connection_idle_ms': maxConnectionIdleMs,
    'grpc.max_connection_age_ms': maxConnectionAgeMs,
    'grpc.max_connection_age_grace_ms': 5_000,
    // A request names resources; even tens of thousands of names stay far below this.
    'grpc.max_receive_message_length': 16 * 1024 * 1024,
    'grpc.max_send_message_length': -1,
  })
  const serve =
    (kind: 'delta' | 'sotw') =>
    (call: ServerDuplexStream<Buffer, Uint8Array>): void => {
      const peer = peerOfCall(call)
      if (!peer.ok) {
        options.log.warn('xDS client refused', { remote: call.getPeer(), reason: peer.error })
        fail(call, status.UNAUTHENTICATED, peer.error)
        return
      }
      // Before anything a stranger says is read: a request may have megabytes.
      if (peer.value === undefined) {
        fail(call, status.UNAUTHENTICATED, 'xDS asks for a client certificate')
        return
      }
      options.onStream(streamOfCall(kind, call, peer.value))
    }
  server.addService(adsService, {
    DeltaAggregatedResources: serve('delta'),
    StreamAggregatedResources: serve('sotw'),
  })
  for (const { definition, implementation } of options.services) server.addService(definition, implementation)
  const certificates = renewableCertificates(options.material, options.clientRootsPem)
  const credentials = experimental.createCertificateProviderServerCredentials(
    certificates.provider,
    certificates.provider,
    options.requireClientCertificate,
  )
  return new Promise((resolve) => {
    server.bindAsync(`${options.host}:${options.port}`, credentials, (error, port) => {
      if (error !== null) {
        resolve({ ok: false, error: `cannot serve xDS on ${options.host}:${options.port}: ${error.message}` })
        return
      }
      resolve({
        ok: true,
        value: { host: options.host, port, renew: certificates.renew, close: () => server.forceShutdown() },
      })
    })
  })
}

function fail(call: ServerDuplexStream<Buffer, Uint8Array>, code: status, details: string): void {
  call.emit('error', Object.assign(new Error(details), { code, details }))
}

function streamOfCall(
  kind: 'delta' | 'sotw',
  call: ServerDuplexStream<Buffer, Uint8Array>,
  peer: XdsStream['peer'],
): XdsStream {
  let handler: XdsStreamHandler | undefined
  let closed = false
  const finish = (error: string | undefined): void => {
    if (closed) return
    closed = true
    handler?.onClose(error)
  }
  return {
    kind,
    peer,
    remote: call.getPeer(),
    start(first) {
      handler = first
      call.on('data', (bytes: Buffer) => {
        if (!closed) first.onMessage(bytes)
      })
      call.on('drain', () => {
        if (!closed) first.onDrain()
      })
      call.on('end', () => {
        finish(undefined)
        call.end()
      })
      call.on('cancelled', () => finish('cancelled'))
      call.on('error', (error: Error) => finish(error.message))
    },
    send: (bytes) => closed || call.write(bytes),
    close(error, refusal = 'denied') {
      if (closed) return
      if (error === undefined) call.end()
      else fail(call, refusal === 'denied' ? status.PERMISSION_DENIED : status.RESOURCE_EXHAUSTED, error)
      // Asynchronously, as the far end's doing would be.
      queueMicrotask(() => finish(error))
    },
  }
}
