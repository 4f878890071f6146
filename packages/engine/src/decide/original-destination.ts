// Where a cluster of type ORIGINAL_DST sends a connection.
import { parseAddress } from '../match/cidr.ts'
import type { Cluster, Endpoint } from '../model.ts'
import type { ConnectionFacts } from '../request-head.ts'
import { metadataAt } from './metadata-path.ts'

/**
 * The endpoint, made for this connection: the address in its metadata where the cluster names a key, else where the client meant to go.
 * Our own address would be dialled for ever: only a destination that the client itself named counts. With a key nothing but its value counts.
 */
export function originalDestination({ discovery }: Cluster, facts: ConnectionFacts): Endpoint | undefined {
  if (discovery.kind !== 'original-dst') return undefined
  const { metadataKey } = discovery
  if (metadataKey !== undefined) return endpointAt(metadataAt(facts.metadata, metadataKey))
  const { localAddress, localPort } = facts
  return facts.destinationKnown === true ? endpointOf(localAddress, localPort) : undefined
}

function endpointAt(text: unknown): Endpoint | undefined {
  const [, bracketed, plain, port] =
    typeof text === 'string' ? (/^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []) : []
  return port === undefined ? undefined : endpointOf(bracketed ?? plain ?? '', Number(port))
}

function endpointOf(address: string, port: number): Endpoint | undefined {
  if (port === 0 || port > 65_535 || parseAddress(address) === undefined) return undefined
  const host = address.includes(':') ? `[${address}]` : address
  return {
    key: `${host}:${port}`,
    target: { kind: 'socket', address, port },
    hostname: '',
    health: 'unknown',
    weight: 1,
    metadata: {},
  }
}
