// Which proxy a stream belongs to: its node says, its certificate proves.
import { err, ok, type PeerIdentity, type Result } from '@weft/core'
import type { WorkloadInstance } from '@weft/resources'
import type { Node } from '@weft/xds/lean'
import type { ProxyRef } from './generators/generator.ts'
import { certificateProvider } from './generators/proxyless/names.ts'

/** The id of an instance's proxy. */
export function proxyIdOf(instance: Pick<WorkloadInstance, 'name' | 'namespace'>): string {
  return `${instance.name}.${instance.namespace}`
}

/** Ids are told in logs and answers, which end the whole connection when they do not fit into a header. */
const maxIdLength = 1024

/** What a node says about itself. */
export interface NodeClaim {
  /** Undefined: a gRPC client whose node id tells nothing; its certificate does. */
  readonly proxyId: string | undefined
  readonly flavor: ProxyRef['flavor'] | 'grpc'
  /** gRPC: its bootstrap offers certificates. */
  readonly certificates: boolean
}

/**
 * Reads `sidecar~<address>~<instance>.<ns>~<ns>.svc.cluster.local` and `metadata.WEFT.flavor`. gRPC without a proxy says so as
 * Istio's agent has it say (`metadata.GENERATOR`), or by the name of its library.
 */
export function claimOf(node: Node): Result<NodeClaim> {
  if (node.id.length > maxIdLength) return err(`the node id has more than ${maxIdLength} characters`)
  const [type, , proxyId] = node.id.split('~')
  if (node.metadata?.['GENERATOR'] === 'grpc' || /^grpc/i.test(node.userAgentName)) {
    const certificates = memberOf(node.metadata?.['WEFT'], 'certificateProvider') === certificateProvider
    return ok({ proxyId: proxyId === '' ? undefined : proxyId, flavor: 'grpc', certificates })
  }
  if ((type !== 'sidecar' && type !== 'router') || proxyId === undefined || proxyId === '') {
    return err(`node id ${JSON.stringify(node.id)} is not sidecar~<address>~<instance>.<namespace>~<domain>`)
  }
  const flavor = memberOf(node.metadata?.['WEFT'], 'flavor')
  return ok({ proxyId, flavor: flavor === 'weft' ? 'weft' : 'envoy', certificates: false })
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined
}

/**
 * The instance that a node claims to be, of those that are configured. gRPC clients that name none are the first instance of their
 * certificate: whatever they are told is for that identity.
 */
export function instanceOf(
  claim: NodeClaim,
  instances: ReadonlyMap<string, WorkloadInstance>,
  peer: PeerIdentity | undefined,
  trustDomain: string,
): Result<WorkloadInstance> {
  const { proxyId, flavor } = claim
  if (proxyId === undefined) {
    const own = [...instances.values()].filter(
      (instance) => instance.proxy === 'grpc' && spiffeIdOf(instance, trustDomain) === peer?.spiffeId,
    )
    const [first] = own.sort((a, b) => (proxyIdOf(a) < proxyIdOf(b) ? -1 : 1))
    return first === undefined
      ? err(`no workload with proxy: grpc has the identity ${peer?.spiffeId ?? 'none'}`)
      : ok(first)
  }
  const instance = instances.get(proxyId)
  if (instance === undefined) return err(`no proxy ${proxyId} is registered`)
  if ((instance.proxy === 'grpc') === (flavor === 'grpc')) return ok(instance)
  return err(
    flavor === 'grpc'
      ? `${proxyId} has a proxy; its gRPC library is configured where the workload says proxy: grpc`
      : `${proxyId} says proxy: grpc, so no proxy may ask for it`,
  )
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
