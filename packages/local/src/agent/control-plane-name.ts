// Whom the agent speaks to: the chain is verified by TLS; the name is a SPIFFE id, which host name verification knows nothing of.
import { certificateFacts, controlPlaneId } from '@weft/identity'

/** Says what is wrong with a server that is not the control plane of this trust domain. */
export function controlPlaneCheck(
  trustDomain: string,
): (host: string, certificate: { readonly raw: Uint8Array }) => Error | undefined {
  const expected = controlPlaneId(trustDomain)
  return (_host, certificate) => {
    const facts = certificateFacts(new Uint8Array(certificate.raw))
    const uri = facts.ok ? facts.value.uris[0] : undefined
    return uri === expected ? undefined : new Error(`the server is ${uri ?? 'nobody'}, not ${expected}`)
  }
}
