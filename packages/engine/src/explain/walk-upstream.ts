// From a cluster to the next proxy: endpoints, balancing, TLS and the names it checks.
import { transportSocketFor } from '../decide/transport-socket.ts'
import { testValue } from '../match/value-test.ts'
import { testText } from '../prove/describe.ts'
import type { Cluster, Endpoint, EndpointSet, UpstreamTls } from '../model.ts'
import type { Loser, Recorder } from '../prove/proof.ts'
import { makePicker } from '../reduce/picker.ts'
import type { ConnectionFacts } from '../request-head.ts'
import type { ProxyView } from './explanation.ts'

/** Where a cluster leads. */
export type Upstream =
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint; readonly tls: UpstreamTls | undefined }
  | { readonly kind: 'none'; readonly reason: string }

/** Chooses the endpoint, or says why there is none. */
export function chooseUpstream(view: ProxyView, cluster: Cluster, random: number, recorder: Recorder): Upstream {
  const { discovery } = cluster
  if (discovery.kind === 'original-dst') return { kind: 'none', reason: 'the original destination is not known here' }
  const set = discovery.kind === 'eds' ? view.endpoints.get(discovery.edsName) : discovery.endpoints
  const pick = makePicker(cluster, set).pick({
    random: () => (random % 1_000_000) / 1_000_000,
    activeRequests: () => 0,
    previous: [],
  })
  const chosen = pick.kind === 'picked' ? pick.endpoint : undefined
  const tls = chosen === undefined ? undefined : transportSocketFor(cluster, chosen)
  recorder.step({
    decision: 'endpoint',
    chosen: chosen?.key,
    summary:
      chosen === undefined ? `cluster ${cluster.name} has no endpoint to send to` : endpointText(cluster, chosen, tls),
    origins: cluster.origins,
    losers: otherEndpoints(set, chosen),
  })
  if (chosen !== undefined) return { kind: 'endpoint', endpoint: chosen, tls }
  return { kind: 'none', reason: set === undefined ? 'its endpoints are not known' : 'no healthy upstream' }
}

function endpointText(cluster: Cluster, endpoint: Endpoint, tls: UpstreamTls | undefined): string {
  const how = tls === undefined ? 'plaintext' : tls.certificateSecret === undefined ? 'TLS' : 'mutual TLS'
  return `endpoint ${endpoint.key} (${cluster.balancer.policy}, ${how})`
}

function otherEndpoints(set: EndpointSet | undefined, chosen: Endpoint | undefined): readonly Loser[] {
  const all = set?.localities.flatMap((locality) => locality.endpoints) ?? []
  return all
    .filter((endpoint) => endpoint !== chosen)
    .map((endpoint) => ({
      name: endpoint.key,
      origins: {},
      failed: [{ condition: 'chosen by the balancer', seen: endpoint.health }],
      counterfactual: undefined,
      unreachable: undefined,
    }))
}

/** The connection as the far end sees it. */
export function arrivingConnection(
  from: ProxyView,
  cluster: Cluster,
  via: { readonly endpoint: Endpoint; readonly tls: UpstreamTls | undefined; readonly bytes: boolean },
): ConnectionFacts {
  const { tls, bytes } = via
  const { target } = via.endpoint
  const mutual = tls?.certificateSecret !== undefined && from.principal !== undefined
  return {
    localAddress: target.kind === 'socket' ? target.address : '',
    localPort: target.kind === 'socket' ? target.port : 0,
    remoteAddress: cluster.bindAddress ?? from.address,
    remotePort: 0,
    sni: tls?.sni,
    transportProtocol: tls === undefined ? 'raw_buffer' : 'tls',
    applicationProtocols: tls !== undefined ? tls.alpn : bytes ? [] : ['http/1.1'],
    tls: tls !== undefined,
    peerNames: mutual && from.principal !== undefined ? [from.principal] : [],
  }
}

/** Why the client would refuse the server's certificate; undefined: it would not. Recorded as an identity step. */
export function verifyServer(tls: UpstreamTls | undefined, server: ProxyView, recorder: Recorder): string | undefined {
  if (tls === undefined || tls.rootsSecret === undefined) return undefined
  const wanted = tls.sans.map((san) => `${san.type} ${testText(san.test)}`).join(' or ')
  const known = server.principal
  const fits = tls.sans.length === 0 || tls.sans.some((san) => san.type === 'uri' && testValue(san.test, known))
  recorder.step({
    decision: 'identity',
    chosen: fits ? known : undefined,
    summary: fits ? `the server is ${known}` : `the server is ${known ?? 'unknown'}, wanted: ${wanted}`,
    origins: {},
    losers: [],
  })
  return fits ? undefined : `the server's certificate names ${known ?? 'nobody'}, not one whose ${wanted}`
}
