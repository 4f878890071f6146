// `weft.ca.v1.CertificateService` over grpc-js: attest the caller, decide, sign.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import type { sendUnaryData, ServerUnaryCall, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js'
import { status } from '@grpc/grpc-js'
import type { Runtime } from '@weft/core'
import { type AttestedCaller, authoriseSign, type SignPolicy, type TrustBundles } from '@weft/identity'
import { type SignRequest, SignRequestSchema, type SignResponse, SignResponseSchema } from '@weft/xds/es/weft/ca/v1/ca'
import type { BootstrapTokens } from './bootstrap-tokens.ts'
import type { CertificateAuthority } from './certificate-authority.ts'
import { checkCsr } from './check-csr.ts'
import { verifiedPeer } from './verified-peer.ts'

/** What the service needs. */
export interface SignServiceOptions {
  readonly ca: CertificateAuthority
  readonly bundles: TrustBundles
  readonly tokens: BootstrapTokens
  readonly runtime: Pick<Runtime, 'clock' | 'log'>
  /** The ids of the instances on the agent's node, as the registry has them now; `wanted` is the one it is asked for. */
  readonly hosted: (wanted: string) => Promise<ReadonlySet<string>>
}

/** A service in the form `Server.addService(definition, implementation)` takes. */
export interface GrpcService {
  readonly definition: ServiceDefinition
  readonly implementation: UntypedServiceImplementation
}

/** Path and codecs of the call, for server and client alike. */
export const signDefinition = {
  Sign: {
    path: '/weft.ca.v1.CertificateService/Sign',
    requestStream: false,
    responseStream: false,
    requestSerialize: (message: SignRequest): Buffer => Buffer.from(toBinary(SignRequestSchema, message)),
    requestDeserialize: (bytes: Buffer): SignRequest => fromBinary(SignRequestSchema, bytes),
    responseSerialize: (message: SignResponse): Buffer => Buffer.from(toBinary(SignResponseSchema, message)),
    responseDeserialize: (bytes: Buffer): SignResponse => fromBinary(SignResponseSchema, bytes),
  },
} as const

type SignCall = ServerUnaryCall<SignRequest, SignResponse>

/** Builds the service. */
export function signService(options: SignServiceOptions): GrpcService {
  const sign = (call: SignCall, callback: sendUnaryData<SignResponse>): void => {
    handle(call, options).then(
      (answer) => ('code' in answer ? callback(answer) : callback(null, answer)),
      (error: Error) => callback({ code: status.INTERNAL, details: error.message }),
    )
  }
  return { definition: signDefinition, implementation: { Sign: sign } as UntypedServiceImplementation }
}

type Refusal = { readonly code: number; readonly details: string }

async function handle(call: SignCall, options: SignServiceOptions): Promise<SignResponse | Refusal> {
  const { ca, bundles, runtime } = options
  const csr = await checkCsr(call.request.csrDer)
  if (!csr.ok) return { code: status.INVALID_ARGUMENT, details: csr.error }
  const caller = await attest(call, options)
  const policy: SignPolicy = { trustDomain: ca.trustDomain, hosted: await options.hosted(csr.value.id) }
  const decision = authoriseSign(caller, csr.value.id, policy)
  const by = caller.kind === 'svid' ? caller.id : caller.kind
  if (!decision.allow) {
    runtime.log.warn('signing refused', { caller: by, id: csr.value.id, reason: decision.reason })
    const code = caller.kind === 'none' ? status.UNAUTHENTICATED : status.PERMISSION_DENIED
    return { code, details: decision.reason }
  }
  const wished = call.request.lifetime
  const lifetimeMs = wished === undefined ? undefined : Number(wished.seconds) * 1000 + wished.nanos / 1e6
  if (lifetimeMs !== undefined && lifetimeMs <= 0) {
    return { code: status.INVALID_ARGUMENT, details: 'lifetime must be above 0' }
  }
  const issued = await ca.sign(csr.value.publicKey, csr.value.id, lifetimeMs)
  runtime.log.debug('certificate signed', { caller: by, id: csr.value.id, notAfterMs: issued.notAfterMs })
  const wire: SignResponse['bundles'] = {}
  for (const [trustDomain, roots] of bundles) {
    wire[trustDomain] = { $typeName: 'weft.ca.v1.TrustBundle', rootsDer: [...roots] }
  }
  return create(SignResponseSchema, { chainDer: [...issued.chain], bundles: wire })
}

// A shown token wins over a certificate: an agent whose SVID expired while the machine slept starts anew this way.
async function attest(call: SignCall, options: SignServiceOptions): Promise<AttestedCaller> {
  const header = call.metadata.get('authorization')[0]
  const token = typeof header === 'string' ? /^Bearer (\S+)$/.exec(header)?.[1] : undefined
  if (token !== undefined && (await options.tokens.consume(token))) return { kind: 'token' }
  const peer = verifiedPeer(call, options.bundles, options.runtime.clock.wallMs())
  return peer.ok ? { kind: 'svid', id: peer.value.id.uri } : { kind: 'none' }
}
