// Asks the CA for certificates: the first time with a one-time token, from then on with the agent's own SVID.
import { create } from '@bufbuild/protobuf'
import { type ChannelCredentials, Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { err, ok, type Result } from '@weft/core'
import { signDefinition } from '@weft/control/ca'
import { certificateFacts, type TrustBundles } from '@weft/identity'
import { certificateToPem } from '@weft/identity/node'
import { SignRequestSchema, type SignResponse } from '@weft/xds/es/weft/ca/v1/ca'
import { controlPlaneCheck } from './control-plane-name.ts'
import type { Svid } from './svid.ts'
import { makeKeyAndCsr } from './key-and-csr.ts'

/** Where the CA is and whom to expect there. */
export interface CaEndpoint {
  /** `host:port`. */
  readonly target: string
  /** PEM. */
  readonly rootsPem: string
  readonly trustDomain: string
}

/** How the agent proves itself. */
export type Proof = { readonly kind: 'token'; readonly token: string } | { readonly kind: 'svid'; readonly svid: Svid }

const DEADLINE_MS = 5_000

/** Gets a certificate for `id` over a fresh key. The error says what the CA, or the way to it, had against it. */
export async function requestSvid(endpoint: CaEndpoint, proof: Proof, id: string): Promise<Result<Svid>> {
  const { privateKeyPem, csrDer } = await makeKeyAndCsr(id)
  const client = new Client(endpoint.target, channelCredentials(endpoint, proof), {
    // One connection per request: the certificate shown must be the newest.
    'grpc.use_local_subchannel_pool': 1,
    // An IP address may not be sent as SNI (RFC 6066).
    'grpc.ssl_target_name_override': 'weft-control',
  })
  const metadata = new Metadata()
  if (proof.kind === 'token') metadata.set('authorization', `Bearer ${proof.token}`)
  const { path, requestSerialize, responseDeserialize } = signDefinition.Sign
  const answer = await new Promise<Result<SignResponse>>((resolve) => {
    const done = (error: ServiceError | null, response?: SignResponse): void =>
      resolve(response === undefined ? err(error?.details ?? 'no answer') : ok(response))
    const options = { deadline: Date.now() + DEADLINE_MS }
    const request = create(SignRequestSchema, { csrDer })
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, options, done)
  })
  client.close()
  return answer.ok ? svidOf(id, privateKeyPem, answer.value) : answer
}

function channelCredentials(endpoint: CaEndpoint, proof: Proof): ChannelCredentials {
  const svid = proof.kind === 'svid' ? proof.svid : undefined
  return credentials.createSsl(
    Buffer.from(endpoint.rootsPem),
    svid === undefined ? null : Buffer.from(svid.privateKeyPem),
    svid === undefined ? null : Buffer.from(svid.certificateChainPem),
    { checkServerIdentity: controlPlaneCheck(endpoint.trustDomain) },
  )
}

function svidOf(id: string, privateKeyPem: string, response: SignResponse): Result<Svid> {
  const [leaf] = response.chainDer
  if (leaf === undefined) return err('the CA answered without a certificate')
  const facts = certificateFacts(leaf)
  if (!facts.ok) return facts
  if (facts.value.uris[0] !== id) return err(`the CA signed ${facts.value.uris[0] ?? 'nobody'} instead of ${id}`)
  const bundles: TrustBundles = new Map(
    Object.entries(response.bundles).map(([name, { rootsDer }]) => [name, rootsDer]),
  )
  return ok({
    id,
    privateKeyPem,
    certificateChainPem: response.chainDer.map(certificateToPem).join(''),
    rootsPem: [...bundles.values()].flat().map(certificateToPem).join(''),
    serial: facts.value.serial,
    notBeforeMs: facts.value.notBeforeMs,
    notAfterMs: facts.value.notAfterMs,
  })
}
