import { createServer, type Server } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { TlsMaterial } from '@weft/core'

/** A server outside that lets in whom an authority signed, and says which certificate it was shown: `to DNS:shop.example`. */
export function tellingServer(own: TlsMaterial, rootPem: string): Server {
  const tls = { cert: own.certificateChainPem, key: own.privateKeyPem, ca: rootPem }
  return createServer({ ...tls, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    response.end(`to ${(request.socket as TLSSocket).getPeerX509Certificate()?.subjectAltName}`)
  })
}
