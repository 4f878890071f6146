// Which proxy a stream belongs to: its node says, its certificate proves.
import { err, ok, type PeerIdentity, type Result } from '@weft/core'
import type { WorkloadInstance } from '@weft/resources'
import type { Node } from '@weft/xds/lean'
import type { ProxyRef } from './generators/generator.ts'

/** The id of an instance's proxy. */
export function proxyIdOf(instance: Pick<WorkloadInstance, 'name' | 'namespace'>): string {
  return `${instance.name}.${instance.namespace}`
}

/** What a node says about itself. */
export interface NodeClaim {
  readonly proxyId: string
  readonly flavor: ProxyRef['flavor']
}

/** Reads `sidecar~<address>~<instance>.<ns>~<ns>.svc.cluster.local` and `metadata.WEFT.flavor`. */
export function claimOf(node: Node): Result<NodeClaim> {
  const [type, , proxyId] = node.id.split('~')
  if ((type !== 'sidecar' && type !== 'router') || proxyId === undefined || proxyId === '') {
    return err(`node id ${JSON.stringify(node.id)} is not sidecar~<address>~<instance>.<namespace>~<domain>`)
  }
  const weft: unknown = node.metadata?.['WEFT']
  const flavor = typeof weft === 'object' && weft !== null && 'flavor' in weft ? weft.flavor : undefined
  return ok({ proxyId, flavor: flavor === 'weft' ? 'weft' : 'envoy' })
}

/** The SPIFFE id that an instance's certificate must carry. */
export function spiffeIdOf(instance: WorkloadInstance, trustDomain: string): string {
  return `spiffe://${trustDomain}/ns/${instance.namespace}/sa/${instance.serviceAccount}`
}

/** Whether the peer may have the configuration of an instance; the error says why not. */
export function mayServe(
  instance: WorkloadInstance,
  peer: PeerIdentity | undefined,
  trustDomain: string,
): Result<true> {
  const expected = spiffeIdOf(instance, trustDomain)
  if (peer?.spiffeId === expected) return ok(true)
  return err(`${proxyIdOf(instance)} must show the identity ${expected}, not ${peer?.spiffeId ?? 'none'}`)
}
