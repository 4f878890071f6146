// Ends of TLS connections for tests, and resources with certificates in them.
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { connect as tlsConnect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { JsonObject } from '@bufbuild/protobuf'
import type { TlsMaterial } from '@weft/core'
import { once } from '@weft/testkit/once'
import { tcpServer } from './l4.ts'
import { any } from './proxy-under-test.ts'

/** Text in a resource. */
export const inline = (text: string): JsonObject => ({ inlineString: text })
/** Certificate and key in a resource. */
export const given = (material: TlsMaterial): JsonObject => ({
  certificateChain: inline(material.certificateChainPem),
  privateKey: inline(material.privateKeyPem),
})

/** A TLS socket of a filter chain. */
export function terminating(common: JsonObject, more: JsonObject = {}): JsonObject {
  const config = { commonTlsContext: common, ...more }
  const type = 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext'
  return { name: 'envoy.transport_sockets.tls', typedConfig: any(type, config) }
}

/** A connection after its handshake. */
interface Shaken {
  readonly socket: TLSSocket
  readonly names: string
}

/** A handshake that trusts the root; rejects with the reason when it fails. */
export async function shakeHands(
  t: TestContext,
  root: string,
  port: number,
  options: ConnectionOptions,
): Promise<Shaken> {
  const socket = tlsConnect({
    port,
    host: '127.0.0.1',
    ca: root,
    checkServerIdentity: () => undefined,
    ...options,
  })
  t.after(() => socket.destroy())
  await once(socket, 'secureConnect')
  socket.on('error', () => {})
  return { socket, names: socket.getPeerX509Certificate()?.subjectAltName ?? '' }
}

/** What a server answers. */
export async function says(socket: Socket, word: string): Promise<string> {
  const answer = once(socket, 'data')
  socket.write(word)
  return String((await answer)[0])
}

/** A server that says its name before what it gets. */
export const named = (t: TestContext, name: string) =>
  tcpServer(t, (socket) => socket.on('data', (bytes) => socket.write(`${name}:${bytes.toString('latin1')}`)))
