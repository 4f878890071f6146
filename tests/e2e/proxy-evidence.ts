// What a proxy can be seen to have, from outside: the routes it accepted, the certificate it shows.
import { createHash } from 'node:crypto'
import { connect } from 'node:tls'
import type { MeshInstance } from '../../examples/bookstore/checks/mesh-access.ts'
import type { TestCertificate } from '../../packages/local/src/check/test-signer.ts'

const adminPort = 15000
const timeoutMs = 2_000

/** A digest of the versions of all routes a proxy has accepted; undefined if it does not answer. */
export async function acceptedRoutes(address: string): Promise<string | undefined> {
  try {
    const response = await fetch(`http://${address}:${adminPort}/config_dump?mask=versions`, {
      signal: AbortSignal.timeout(timeoutMs),
    })
    const dump = (await response.json()) as { versions: Record<string, { accepted: unknown }> }
    const routes = Object.entries(dump.versions).find(([type]) => /route|rds/i.test(type))?.[1].accepted
    return createHash('sha256').update(JSON.stringify(routes)).digest('hex').slice(0, 12)
  } catch {
    return undefined
  }
}

/** Serial numbers of the certificate that an instance's listener shows to a member of the mesh, `identity`: one, or none if it cannot be reached. */
export async function serialsOf(instance: MeshInstance, identity: TestCertificate): Promise<string[]> {
  const [port] = instance.ports
  if (port === undefined || instance.proxy !== 'sidecar') return []
  return new Promise((resolve) => {
    const socket = connect({
      host: instance.address,
      port: port.port,
      ...identity,
      checkServerIdentity: () => undefined,
    })
    const finish = (serials: string[]): void => {
      socket.destroy()
      resolve(serials)
    }
    socket.setTimeout(timeoutMs, () => finish([]))
    socket.on('error', () => finish([]))
    socket.on('secureConnect', () => finish([socket.getPeerX509Certificate()?.serialNumber ?? '']))
  })
}
