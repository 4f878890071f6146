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
export type RequestSvid = (endpoint: CaEndpoint, proof: Proof, id: string) => Promise<Result<Svid>>

/** A connection to the CA, while somebody is asking over it. */
interface Shared {
  readonly key: string
  readonly client: Client
  users: number
}

/**
 * Asks over one connection whoever asks at the same time with the same proof: a rotation of all identities of a host is one handshake. With the last answer
 * the connection ends, so that the next one shows the newest certificate, and finds the CA where it is then.
 */
export function makeSignClient(): RequestSvid {
  let shared: Shared | undefined
  const enter = (endpoint: CaEndpoint, proof: Proof): Shared => {
    const shown = proof.kind === 'svid' ? proof.svid.serial : ''
    const key = JSON.stringify([endpoint, proof.kind, shown])
    if (shared?.key !== key) shared = { key, client: openClient(endpoint, proof), users: 0 }
    shared.users += 1
    return shared
  }
  const leave = (one: Shared): void => {
    one.users -= 1
    if (one.users > 0) return
    if (shared === one) shared = undefined
    one.client.close()
  }
  return async (endpoint, proof, id) => {
    const used = enter(endpoint, proof)
    try {
      const { privateKeyPem, csrDer } = await makeKeyAndCsr(id)
      const answer = await sign(used.client, proof, csrDer)
      return answer.ok ? svidOf(id, privateKeyPem, answer.value) : answer
    } finally {
      leave(used)
    }
  }
}

function openClient(endpoint: CaEndpoint, proof: Proof): Client {
  return new Client(endpoint.target, channelCredentials(endpoint, proof), {
    // Of its own: the certificate shown must be the newest.
    'grpc.use_local_subchannel_pool': 1,
    // An IP address may not be sent as SNI (RFC 6066).
    'grpc.ssl_target_name_override': 'weft-control',
  })
}

function sign(client: Client, proof: Proof, csrDer: Uint8Array): Promise<Result<SignResponse>> {
  const metadata = new Metadata()
  if (proof.kind === 'token') metadata.set('authorization', `Bearer ${proof.token}`)
  const { path, requestSerialize, responseDeserialize } = signDefinition.Sign
  return new Promise((resolve) => {
    const done = (error: ServiceError | null, response?: SignResponse): void =>
      resolve(response === undefined ? err(error?.details ?? 'no answer') : ok(response))
    const options = { deadline: Date.now() + DEADLINE_MS }
    const request = create(SignRequestSchema, { csrDer })
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, options, done)
  })
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
