// Who is at the far end of a gRPC call. The server asks for a client certificate but lets callers without one in (a new
// agent has none yet), so every service must ask here; nothing else about the connection is believed.
import { err, type Result } from '@weft/core'
import type { TrustBundles } from '@weft/identity'
import { type VerifiedSvid, verifySvid } from '@weft/identity/node'

/** The part of a grpc-js server call that names the peer. */
export interface CallWithPeer {
  getAuthContext(): { readonly sslPeerCertificate?: { readonly raw?: Uint8Array } | undefined }
}

/** The verified SVID of the caller at `nowMs`, or why there is none. Checked per call: an open connection does not extend a life. */
export function verifiedPeer(call: CallWithPeer, bundles: TrustBundles, nowMs: number): Result<VerifiedSvid> {
  const raw = call.getAuthContext().sslPeerCertificate?.raw
  if (raw === undefined) return err('no client certificate')
  return verifySvid([raw], bundles, nowMs)
}
