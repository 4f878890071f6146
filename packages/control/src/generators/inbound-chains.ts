// The filter chains in front of one application port: mutual TLS and plaintext as PeerAuthentication says, then who may.
import { type Origin, originOf } from '@weft/core'
import { type MtlsMode, type PeerAuthenticationSpec, type ServerTls, targetPortOf } from '@weft/resources'
import type {
  FilterChainSchema,
  FilterSchema,
  ListenerFilterSchema,
} from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { TlsInspectorSchema } from '@weft/xds/es/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector'
import { type PolicyTarget, serviceWay } from '../gateway-api/attached-policies.ts'
import type { Trust } from '../policies/trust.ts'
import { type RateLimit, rateLimitActions, rateLimitFilter, rateLimitsOn } from '../policies/rate-limits.ts'
import { authorizationOf, httpRbac, networkRbac, type SelectedPolicies } from '../policies/authorization.ts'
import { duplicatePeerAuthentications, effectiveMtls } from '../policies/peer-authentication.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { duration } from './config-source.ts'
import { pack } from './encode.ts'
import { serverTlsSocket } from './gateway-tls.ts'
import type { GeneratorProblem, Loser } from './generator.ts'
import { inboundCluster, portKind, type Service } from './hosts.ts'
import { httpConnectionManager } from './http-connection-manager.ts'
import { weftMetadata } from './metadata.ts'
import { tcpProxy } from './tcp-proxy.ts'
import type { Telemetry } from './telemetry.ts'
import { alpn, downstreamMtls } from './tls-contexts.ts'
import type { Init } from './init.ts'

type FilterChainInit = Init<typeof FilterChainSchema>

/** The references that inbound chains of a port are made from. */
export interface InboundRefs extends SelectedPolicies {
  /** Services that stand for the workload. */
  readonly services: readonly Service[]
  /** Most specific first. */
  readonly peerAuthentications: readonly SnapshotObject<PeerAuthenticationSpec>[]
  /** RateLimits of these Services. */
  readonly rateLimits: readonly RateLimit[]
}

/** The port, and what its chains depend on besides objects. */
export interface InboundPort {
  readonly port: number
  readonly portName: string
  /** As a Sidecar declares it, whatever Services say. */
  readonly appProtocol?: string
  readonly bind?: string
  readonly bound?: boolean
  /** How long a connection without HTTP may be idle, as a Sidecar says. */
  readonly idleTimeout?: string
  /** TLS that a Sidecar wants ended, and the Secrets for it that are not there, to be told. */
  readonly tls?: ServerTls
  readonly missingSecrets?: readonly string[]
  /** The Workload, or what a Sidecar says of the port. */
  readonly workload: Origin
  readonly trust: Trust
  readonly trustDomain: string
  readonly accessLog: Telemetry
}

/** Chains, and what to tell about them. */
export interface InboundChains {
  readonly chains: readonly FilterChainInit[]
  readonly origin: Origin
  readonly problems: readonly GeneratorProblem[]
  readonly losers: readonly Loser[]
}

/** TLS detection with a limit: who sends nothing for five seconds is closed. */
export function tlsInspector(): Init<typeof ListenerFilterSchema> {
  return {
    name: 'envoy.filters.listener.tls_inspector',
    configType: { case: 'typedConfig', value: pack(TlsInspectorSchema) },
  }
}

/** How long a client may take to show what it speaks. */
export const sniffTimeout = duration(5000)

/** The Service port that stands for a workload port, first by name; undefined when no Service does. */
function servicePortOf(
  services: readonly Service[],
  { port, portName }: InboundPort,
): { protocol: 'http' | 'tcp'; origin: Origin; way: readonly PolicyTarget[] } | undefined {
  for (const service of services) {
    for (const [index, servicePort] of service.spec.ports.entries()) {
      if (targetPortOf(servicePort, [{ name: portName, port }]) !== port) continue
      return {
        protocol: portKind(servicePort),
        origin: originOf(service.id, `spec.ports[${index}]`),
        way: serviceWay(service.id, servicePort.name),
      }
    }
  }
  return undefined
}

function forwardBytes({ port, accessLog, idleTimeout }: InboundPort): Init<typeof FilterSchema> {
  const policy = idleTimeout === undefined ? {} : { connectionPool: { tcp: { idleTimeout } } }
  return tcpProxy([{ cluster: inboundCluster(port), weight: 1 }], accessLog, policy)
}

/** The chains of a port; `destinationPort` is set where one listener serves many ports (redirected traffic). */
export function inboundChains(port: InboundPort, refs: InboundRefs, destinationPort?: number): InboundChains {
  const { appProtocol } = port
  const served = appProtocol === undefined ? servicePortOf(refs.services, port) : undefined
  const mtls = effectiveMtls(refs.peerAuthentications, port.port)
  const ends = ownTls(port, mtls.mode)
  const protocol =
    ends?.protocol ??
    served?.protocol ??
    portKind({ name: port.portName, ...(appProtocol === undefined ? {} : { appProtocol }) })
  const origin = served?.origin ?? port.workload
  const authorization = authorizationOf(refs, protocol, port.trustDomain, port.accessLog)
  const filters =
    protocol === 'http'
      ? [
          inboundHcm(
            port,
            httpRbac(authorization),
            origin,
            rateLimitsOn(refs.rateLimits, served?.way ?? []),
            ends !== undefined,
          ),
        ]
      : [...networkRbac(authorization), forwardBytes(port)]
  const metadata = weftMetadata({
    origin,
    mtls: { mode: mtls.mode, ...(mtls.origin === undefined ? {} : { origin: mtls.origin }) },
    policies: Object.keys(authorization.origins).length === 0 ? undefined : { ...authorization.origins },
  })
  const prefix = destinationPort === undefined ? '' : `${destinationPort}-`
  const match = destinationPort === undefined ? {} : { destinationPort }
  const secured: FilterChainInit = {
    name: `${prefix}mtls`,
    filterChainMatch: { ...match, transportProtocol: 'tls' },
    transportSocket: downstreamMtls(port.trust, protocol === 'tcp' ? alpn.none : alpn.either),
    transportSocketConnectTimeout: duration(15_000),
    filters,
    metadata,
  }
  const open: FilterChainInit = {
    name: `${prefix}plaintext`,
    filterChainMatch: mtls.mode === 'DISABLE' ? match : { ...match, transportProtocol: 'raw_buffer' },
    filters,
    metadata,
  }
  // A port that asks for TLS is never open.
  const modes = { STRICT: [secured], PERMISSIVE: port.tls === undefined ? [secured, open] : [secured], DISABLE: [open] }
  return {
    chains:
      ends === undefined ? modes[mtls.mode] : [{ ...secured, name: `${prefix}tls`, transportSocket: ends.socket }],
    origin,
    problems: [...authorization.problems, ...tlsProblems(port, mtls.mode)],
    losers: duplicatePeerAuthentications(refs.peerAuthentications),
  }
}

/** What a Sidecar says of TLS holds where mutual TLS of the mesh is off. A chain whose Secret is not there refuses connections until it comes. */
function ownTls(
  { tls, appProtocol, trust }: InboundPort,
  mode: MtlsMode,
): { protocol: 'http' | 'tcp'; socket: NonNullable<FilterChainInit['transportSocket']> } | undefined {
  if (tls === undefined || mode !== 'DISABLE') return undefined
  const protocol = appProtocol === 'https' ? 'http' : 'tcp'
  return { protocol, socket: serverTlsSocket(tls, { trust, offered: protocol === 'http' ? alpn.either : alpn.none }) }
}

function tlsProblems({ tls, missingSecrets = [], workload: origin }: InboundPort, mode: MtlsMode): GeneratorProblem[] {
  if (tls === undefined) return []
  if (mode !== 'DISABLE') {
    const message = `mutual TLS of the mesh is taken on this port (${mode}), not the \`tls\` of the Sidecar; write DISABLE for the port in a PeerAuthentication`
    return [{ origin, message }]
  }
  if (missingSecrets.length === 0) return []
  const names = missingSecrets.join(', ')
  const message = `there is no Secret ${names} in the namespace of the workload: the port refuses connections until it comes`
  return [{ origin, message }]
}

function inboundHcm(
  port: InboundPort,
  authorization: ReturnType<typeof httpRbac>,
  origin: Origin,
  limits: readonly RateLimit[],
  strangers: boolean,
): Init<typeof FilterSchema> {
  const rateLimits = rateLimitActions(limits)
  const cluster = inboundCluster(port.port)
  return httpConnectionManager({
    side: 'inbound',
    strangers,
    statPrefix: `inbound_${port.port}`,
    port: port.port,
    accessLog: port.accessLog,
    authorization,
    rateLimits: limits.map((limit) => rateLimitFilter(limit, port.accessLog.flavor)),
    routes: {
      name: cluster,
      validateClusters: false,
      virtualHosts: [
        {
          name: `inbound|http|${port.port}`,
          domains: ['*'],
          metadata: weftMetadata({ origin }),
          routes: [
            {
              name: 'default',
              match: { pathSpecifier: { case: 'prefix', value: '/' } },
              metadata: weftMetadata({ origin }),
              action: {
                case: 'route',
                value: { clusterSpecifier: { case: 'cluster', value: cluster }, timeout: duration(0), rateLimits },
              },
            },
          ],
        },
      ],
    },
  })
}
