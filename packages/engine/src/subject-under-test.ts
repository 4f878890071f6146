// What tests decide about: a request on a connection of the mesh.
import { type PlainRequest, plainHead, type Subject } from './request-head.ts'

/** A GET of / at catalog from web, unless said otherwise. */
export function subject(request: Partial<PlainRequest> = {}, more: Partial<Subject> = {}): Subject {
  const connection = {
    localAddress: '127.0.0.2',
    localPort: 80,
    remoteAddress: '127.0.0.1',
    remotePort: 1,
    sni: undefined,
    transportProtocol: 'raw_buffer' as const,
    applicationProtocols: [],
    tls: true,
    peerNames: ['spiffe://td/ns/a/sa/web'],
  }
  return {
    head: plainHead({ method: 'GET', path: '/', authority: 'catalog', ...request }),
    connection,
    random: 0,
    ...more,
  }
}
