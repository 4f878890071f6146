// How a cluster speaks to its endpoints: mutual TLS, a tunnel or plaintext, and which HTTP.
import {
  type ClientTls,
  isConfigured,
  selectsLabels,
  type TrafficPolicy,
  type ServicePort,
  targetPortOf,
} from '@weft/resources'
import type { TransportSocketSchema } from '@weft/xds/es/envoy/config/core/v3/base'
import { isDynamic } from '../snapshot/mesh-hosts.ts'
import { effectiveMtls, peerAuthenticationsOf, takesMtls } from '../policies/peer-authentication.ts'
import { internalUpstream } from './connect-originate.ts'
import { takesMutualTls, writtenEndpoints } from './host-endpoints.ts'
import { portKind, type Service, serviceHost, sniCluster, speaksHttp2 } from './hosts.ts'
import type { Init } from './init.ts'
import type { ServiceReferences } from './service-references.ts'
import { type Trust, trustDomainsOf } from '../policies/trust.ts'
import { alpn, originatedTls, plaintext, upstreamMtls, withProxyProtocol } from './tls-contexts.ts'
import type { UpstreamProtocol } from './traffic-policy.ts'

type TransportSocketInit = Init<typeof TransportSocketSchema>

interface SocketMatch {
  readonly name: string
  readonly match: Record<string, string>
  readonly transportSocket: TransportSocketInit
}

/** What transport depends on besides objects. */
export interface TransportScope {
  readonly trust: Trust
  readonly rootNamespace: string
  readonly flavor: 'weft' | 'envoy'
  /** Whether Secrets that rules name are for its proxies. */
  readonly credentials?: true
}

/** A Service port, or a subset of it, and the policy that holds for it. */
export interface ClusterTarget {
  readonly service: Service
  readonly port: ServicePort
  readonly policy: TrafficPolicy
  readonly subset?: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
}

/** The sockets of a cluster, and the HTTP protocol over them (undefined: not said, which is HTTP/1.1, or no HTTP at all). */
export interface Transport {
  readonly sockets: {
    readonly transportSocket?: TransportSocketInit
    readonly transportSocketMatches?: SocketMatch[]
  }
  readonly protocol: UpstreamProtocol | undefined
}

/**
 * Auto mTLS as Istio does it: the endpoint says whether it takes mutual TLS, unless a DestinationRule decides. Where every workload
 * takes it there is no plaintext to choose, and TLS may find out who speaks HTTP/2.
 */
export function transportOf(scope: TransportScope, refs: ServiceReferences, target: ClusterTarget): Transport {
  const transport = bareTransport(scope, refs, target)
  const { proxyProtocol } = target.policy
  if (proxyProtocol === undefined) return transport
  const { transportSocket, transportSocketMatches } = transport.sockets
  const wrapped = (socket = plaintext()): TransportSocketInit => withProxyProtocol(socket, proxyProtocol)
  return {
    ...transport,
    sockets:
      transportSocketMatches === undefined
        ? { transportSocket: wrapped(transportSocket) }
        : {
            transportSocketMatches: transportSocketMatches.map((match) => ({
              ...match,
              transportSocket: wrapped(match.transportSocket),
            })),
          },
  }
}

function bareTransport(scope: TransportScope, refs: ServiceReferences, target: ClusterTarget): Transport {
  const { service, port, policy, subset } = target
  const kind = portKind(port)
  const mode = policy.tls?.mode
  if (mode === undefined && !inMesh(refs)) {
    return { sockets: {}, protocol: kind === 'tcp' ? undefined : httpProtocol(target, false) }
  }
  const onlyTls =
    (mode !== undefined && mode !== 'DISABLE') ||
    (mode === undefined && kind === 'http' && takesOnlyMtls(scope, refs, target))
  const protocol = kind === 'tcp' ? undefined : httpProtocol(target, onlyTls)
  if (mode === 'DISABLE') return { sockets: {}, protocol }
  if (policy.tls !== undefined && mode !== 'ISTIO_MUTUAL') {
    const offers = kind === 'tcp' ? alpn.none : offered(protocol)
    return {
      sockets: {
        transportSocket: originatedTls(
          withNames(policy.tls, service),
          // The host of each request is its name.
          isDynamic(service) ? undefined : serviceHost(service),
          offers,
          scope.flavor,
          scope.credentials,
        ),
      },
      protocol,
    }
  }
  const sni = policy.tls?.sni ?? sniCluster(serviceHost(service), port.port, subset?.name)
  const asked = policy.tls?.subjectAltNames ?? []
  const ids = asked.length > 0 ? asked : workloadIds(scope.trust, refs)
  const mtls = upstreamMtls(sni, ids, kind === 'tcp' ? alpn.none : offered(protocol))
  const tunnels = kind === 'tcp' ? [internalUpstream()] : []
  if (onlyTls && tunnels.length === 0) return { sockets: { transportSocket: mtls }, protocol }
  const others: SocketMatch[] = onlyTls
    ? [{ name: 'tlsMode-istio', match: {}, transportSocket: mtls }]
    : [
        { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transportSocket: mtls },
        { name: 'tlsMode-disabled', match: {}, transportSocket: plaintext() },
      ]
  return { sockets: { transportSocketMatches: [...tunnels, ...others] }, protocol }
}

function offered(protocol: UpstreamProtocol | undefined): (typeof offers)[keyof typeof offers] {
  return offers[protocol ?? 'http1']
}

// With `downstream` each connection offers what it was opened for.
const offers = { http1: alpn.http1, http2: alpn.http2, alpn: alpn.either, downstream: alpn.none } as const

function httpProtocol({ port, policy }: ClusterTarget, onlyTls: boolean): UpstreamProtocol {
  const { useClientProtocol = false, h2UpgradePolicy = 'DEFAULT' } = policy.connectionPool?.http ?? {}
  if (useClientProtocol) return 'downstream'
  if (speaksHttp2(port) || h2UpgradePolicy === 'UPGRADE') return 'http2'
  return onlyTls && h2UpgradePolicy === 'DEFAULT' ? 'alpn' : 'http1'
}

/** Whether all workloads behind the target, and there are some, take mutual TLS on the port. */
export function takesOnlyMtls(
  { rootNamespace }: Pick<TransportScope, 'rootNamespace'>,
  { service: [service], workloads, workloadEntries, peerAuthentications }: ServiceReferences,
  { port, subset }: ClusterTarget,
): boolean {
  const inSubset = ({ labels }: { readonly labels: Readonly<Record<string, string>> }): boolean =>
    subset === undefined || selectsLabels(subset.labels, labels)
  const members = workloads.filter(inSubset)
  const written = writtenEndpoints(service, workloadEntries).filter(inSubset)
  return (
    members.length + written.length > 0 &&
    written.every(takesMutualTls) &&
    members.every(({ id, labels, spec }) => {
      const targetPort = targetPortOf(port, spec.ports)
      if (targetPort === undefined) return false
      const policies = peerAuthenticationsOf(peerAuthentications, { namespace: id.namespace, labels }, rootNamespace)
      return takesMtls(spec, effectiveMtls(policies, targetPort).mode)
    })
  )
}

/** Whether any endpoint may take mutual TLS: a ServiceEntry tells, of a Service only its endpoints know. */
function inMesh({ service: [service], workloads, workloadEntries }: ServiceReferences): boolean {
  const { entry } = service.spec
  if (entry === undefined) return true
  if (entry.external || entry.resolution === 'NONE' || isDynamic(service)) return false
  return workloads.length > 0 || writtenEndpoints(service, workloadEntries).some(takesMutualTls)
}

/** The names that a ServiceEntry asks of certificates, where the rule asks for none. */
export function withNames(tls: ClientTls, { spec: { entry } }: Service): ClientTls {
  const names = entry?.subjectAltNames ?? []
  return names.length === 0 || (tls.subjectAltNames?.length ?? 0) > 0 ? tls : { ...tls, subjectAltNames: names }
}

/** Whose SVID may answer for a Service. Nobody's while no workload stands behind it: an empty list would accept anyone's. */
export function workloadIds(
  trust: Trust,
  { service: [service], workloads, workloadEntries }: ServiceReferences,
): string[] {
  const domains = trustDomainsOf(trust)
  const idsOf = (namespace: string, account: string): string[] =>
    domains.map((domain) => `spiffe://${domain}/ns/${namespace}/sa/${account}`)
  const ids = [
    ...workloads
      .filter((workload) => isConfigured(workload.spec))
      .flatMap(({ id, spec }) => idsOf(id.namespace, spec.serviceAccount)),
    ...writtenEndpoints(service, workloadEntries).flatMap(({ spec, namespace }) =>
      spec.serviceAccount === undefined ? [] : idsOf(namespace, spec.serviceAccount),
    ),
    ...(service.spec.entry?.subjectAltNames ?? []).filter((name) => name.startsWith('spiffe://')),
  ]
  return ids.length === 0 ? [`spiffe://${trust.trustDomain}/ns/${service.id.namespace}`] : [...new Set(ids)].sort()
}
