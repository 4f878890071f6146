// SDS on a Unix socket of its own per proxy: who may open the socket (0600, in a folder of mode 0700) is that workload.
// Serves `default` (key and chain) and `ROOTCA` to Weft's proxies and to Envoy alike; what to send, ACKs and NACKs are
// the stream reducer's of @weft/xds.
import { createHash } from 'node:crypto'
import { chmodSync } from 'node:fs'
import { create, toBinary } from '@bufbuild/protobuf'
import { Server, ServerCredentials, type ServerDuplexStream, type ServiceDefinition, status } from '@grpc/grpc-js'
import { err, type Logger, ok, type Result } from '@weft/core'
import {
  encodeDeltaResponse,
  type EncodedResource,
  encodeSotwResponse,
  newServerState,
  onDeltaRequest,
  onSotwRequest,
  onTable,
  passThroughService,
  type ResourceTable,
  resourceTable,
  type ServerEffect,
  tryRead,
  typeUrl,
} from '@weft/xds'
import { SecretSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/secret'
import { readDeltaDiscoveryRequest, readDiscoveryRequest } from '@weft/xds/lean'
import type { Svid } from './svid.ts'

/** SDS names, as Istio uses them. */
const SECRET_NAMES = { own: 'default', roots: 'ROOTCA' } as const

/** One proxy's socket. */
export interface SdsServer {
  /** Pushes to all open streams what changed. */
  set(svid: Svid): void
  close(): void
}

interface Context {
  readonly log: Logger
  table: ResourceTable | undefined
  readonly streams: Set<() => void>
}

type Call = ServerDuplexStream<Buffer, Uint8Array>

/** Binds `path` (at most 107 bytes) with mode 0600. */
export function startSdsServer(path: string, log: Logger): Promise<Result<SdsServer>> {
  const context: Context = { log, table: undefined, streams: new Set() }
  const server = new Server({ 'grpc.max_receive_message_length': 1024 * 1024 })
  server.addService(secretService, {
    StreamSecrets: (call: Call) => serve(context, 'sotw', call),
    DeltaSecrets: (call: Call) => serve(context, 'delta', call),
  })
  return new Promise((resolve) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) => {
      if (error !== null) {
        resolve(err(`cannot serve SDS on ${path}: ${error.message}`))
        return
      }
      chmodSync(path, 0o600)
      resolve(
        ok({
          set(svid) {
            context.table = tableOf(svid)
            for (const push of context.streams) push()
          },
          close: () => server.forceShutdown(),
        }),
      )
    })
  })
}

function serve(context: Context, kind: 'delta' | 'sotw', call: Call): void {
  const state = newServerState(kind)
  const perform = (effects: readonly ServerEffect[]): void => {
    for (const effect of effects) {
      if (effect.kind === 'send')
        call.write(kind === 'delta' ? encodeDeltaResponse(effect) : encodeSotwResponse(effect))
      else if (effect.kind !== 'accepted') {
        const reason = effect.kind === 'refused' ? effect.refusal.reason : effect.reason
        context.log.warn('a proxy refused its secrets', { reason })
      }
    }
  }
  const push = (): void => {
    if (context.table !== undefined) perform(onTable(state, context.table))
  }
  const stop = (): void => void context.streams.delete(push)
  context.streams.add(push)
  push()
  call.on('data', (bytes: Buffer) => {
    if (kind === 'delta') {
      const read = tryRead(readDeltaDiscoveryRequest, bytes)
      if (read.ok) perform(onDeltaRequest(state, read.value))
      else refuse(call, read.error)
    } else {
      const read = tryRead(readDiscoveryRequest, bytes)
      if (read.ok) perform(onSotwRequest(state, read.value))
      else refuse(call, read.error)
    }
  })
  call.on('end', () => {
    stop()
    call.end()
  })
  call.on('cancelled', stop)
  call.on('error', stop)
}

function refuse(call: Call, details: string): void {
  call.emit('error', Object.assign(new Error(details), { code: status.INVALID_ARGUMENT, details }))
}

function tableOf(svid: Svid): ResourceTable {
  const own = create(SecretSchema, {
    name: SECRET_NAMES.own,
    type: {
      case: 'tlsCertificate',
      value: { certificateChain: inline(svid.certificateChainPem), privateKey: inline(svid.privateKeyPem) },
    },
  })
  const roots = create(SecretSchema, {
    name: SECRET_NAMES.roots,
    type: { case: 'validationContext', value: { trustedCa: inline(svid.rootsPem) } },
  })
  const resources: EncodedResource[] = [
    { name: SECRET_NAMES.own, version: svid.serial, body: toBinary(SecretSchema, own) },
    { name: SECRET_NAMES.roots, version: fingerprint(svid.rootsPem), body: toBinary(SecretSchema, roots) },
  ]
  const byName = new Map(resources.map((resource) => [resource.name, resource]))
  return resourceTable(new Map([[typeUrl.secret, byName]]), fingerprint)
}

function inline(pem: string): { specifier: { case: 'inlineBytes'; value: Uint8Array } } {
  return { specifier: { case: 'inlineBytes', value: Buffer.from(pem) } }
}

function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

const secretService: ServiceDefinition = passThroughService('envoy.service.secret.v3.SecretDiscoveryService', [
  'StreamSecrets',
  'DeltaSecrets',
])
