// The cluster of a backend: that of its Service port, unless the Gateway API asks for another way to speak to it.
import { protocolOf } from '@weft/resources'
import type { Target } from '../../gateway-api/backends.ts'
import type { GatewayRefs, RouteRefs } from '../../gateway-api/gateway-refs.ts'
import { effectivePolicy } from '../../gateway-api/policies.ts'
import type { Route } from '../../gateway-api/objects.ts'
import { outboundCluster, serviceHost } from '../hosts.ts'

/** What differs from the cluster that the mesh has for a Service port anyway. */
export interface Variant {
  /** HTTP/2 without asking, for gRPC. */
  readonly http2: boolean
  /** UDP, which the mesh carries for no one else. */
  readonly datagrams: boolean
  /** TLS towards the backend, as a BackendTLSPolicy (by key) says. */
  readonly tls?: string
  /** The Gateway (by key) whose certificate is shown to the backend. */
  readonly client?: string
}

/** What decides how a Gateway (undefined: a sidecar) speaks to backends. */
export type VariantRefs = Pick<RouteRefs, 'tlsPolicies'> & {
  readonly gateways: GatewayRefs['gateways']
}

/** How a route's traffic gets to a Service port. */
export function variantOf(
  route: Pick<Route, 'id'>,
  { service, port }: Extract<Target, { kind: 'service' }>,
  { tlsPolicies, gateways }: VariantRefs,
): Variant {
  if (port.protocol !== 'TCP') return { http2: false, datagrams: true }
  // What a TLSRoute carries is TLS of the client already, or bytes that came out of it.
  const tls = route.id.kind === 'TLSRoute' ? undefined : effectivePolicy(tlsPolicies, service, port)
  const client = gateways.find(({ spec }) => spec.tls?.backend?.clientCertificateRef !== undefined)
  const protocol = protocolOf(port)
  return {
    // Inside the mesh the port says what is spoken.
    http2: gateways.length > 0 && route.id.kind === 'GRPCRoute' && protocol !== 'http2' && protocol !== 'grpc',
    datagrams: false,
    ...(tls === undefined ? {} : { tls: tls.key }),
    ...(tls === undefined || client === undefined ? {} : { client: client.key }),
  }
}

/** Whether the mesh's own cluster does. */
export function isPlain({ http2, datagrams, tls }: Variant): boolean {
  return !http2 && !datagrams && tls === undefined
}

/** Name of the cluster of a Service port. */
export function backendCluster({ service, port }: Extract<Target, { kind: 'service' }>, variant: Variant): string {
  const host = serviceHost(service)
  if (isPlain(variant)) return outboundCluster(host, port.port)
  const ways = [variant.http2 ? 'h2' : '', variant.datagrams ? 'udp' : '', variant.tls === undefined ? '' : 'tls']
  const client = variant.client === undefined ? '' : `@${variant.client.split('/').slice(-2).join('/')}`
  return `gateway-api|${port.port}|${ways.filter(Boolean).join(',')}${client}|${host}`
}

/** Name of the cluster of an XBackend. */
export function externalCluster({ backend }: Extract<Target, { kind: 'backend' }>): string {
  return `gateway-api|${backend.spec.port.port}|backend|${backend.id.namespace}/${backend.id.name}`
}

/** Name of a cluster that no one has: what is sent there is answered at once. */
export const invalidBackend = 'InvalidBackendRef'

/** The cluster of what a reference leads to. */
export function clusterOfTarget(route: Pick<Route, 'id'>, target: Target, refs: VariantRefs): string {
  return target.kind === 'backend' ? externalCluster(target) : backendCluster(target, variantOf(route, target, refs))
}
