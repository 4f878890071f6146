// From a cluster to the next proxy: endpoints, balancing, TLS and the names it checks.
import type { DynamicHost } from '../decide/dynamic-host.ts'
import { originalDestination } from '../decide/original-destination.ts'
import { pickWanted, type WantedEndpoint } from '../decide/wanted-endpoint.ts'
import type { RequestHash } from '../decide/request-hash.ts'
import { transportSocketFor } from '../decide/transport-socket.ts'
import type { Cluster, Endpoint, EndpointSet, UpstreamTls } from '../model.ts'
import type { Loser, Recorder } from '../prove/proof.ts'
import { meshSecrets } from './meet-server.ts'
import { makePicker } from '../reduce/picker.ts'
import type { ConnectionFacts } from '../request-head.ts'
import type { ProxyView } from './explanation.ts'

/** What was hashed of the request or connection. */
export type Hashed = Pick<RequestHash, 'hash' | 'of'>

/** The endpoint that a session asks for, and where that is written: `cookie s`. */
export type Wanted = WantedEndpoint & { readonly by: string }

/** Where a cluster leads. */
export type Upstream =
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint; readonly tls: UpstreamTls | undefined }
  /** The host's address is not known before a proxy looks it up. */
  | { readonly kind: 'named'; readonly host: string }
  | { readonly kind: 'none'; readonly reason: string }

/** Chooses the endpoint for what came on `connection`, or says why there is none. */
export function chooseUpstream(
  {
    view,
    cluster,
    connection,
    hashed,
    wanted,
    host,
  }: {
    readonly view: ProxyView
    readonly cluster: Cluster
    readonly connection: ConnectionFacts
    readonly hashed?: Hashed | undefined
    readonly wanted?: Wanted | undefined
    readonly host?: DynamicHost | undefined
  },
  random: number,
  recorder: Recorder,
): Upstream {
  const { discovery } = cluster
  if (discovery.kind === 'original-dst') return destinationOf(cluster, connection, recorder)
  if (discovery.kind === 'dynamic') return hostOf(cluster, host, recorder)
  const set = discovery.kind === 'eds' ? view.endpoints.get(discovery.edsName) : discovery.endpoints
  const kept = wanted === undefined ? undefined : pickWanted(set, wanted)
  const balanced = makePicker(cluster, set).pick({
    random: () => (random % 1_000_000) / 1_000_000,
    activeRequests: () => 0,
    previous: [],
    hash: hashed?.hash,
  })
  const pick = kept ?? balanced
  const chosen = pick.kind === 'picked' ? pick.endpoint : undefined
  const tls = chosen === undefined ? undefined : transportSocketFor(cluster, chosen)
  recorder.step({
    decision: 'endpoint',
    chosen: chosen?.key,
    summary:
      chosen === undefined
        ? `cluster ${cluster.name} has no endpoint to send to${goneText(wanted, chosen)}`
        : `${endpointText(cluster, { endpoint: chosen, tls }, { hashed, wanted })}${goneText(wanted, chosen)}`,
    origins: cluster.origins,
    losers: otherEndpoints(set, chosen),
  })
  if (chosen !== undefined) return { kind: 'endpoint', endpoint: chosen, tls }
  return { kind: 'none', reason: set === undefined ? 'its endpoints are not known' : 'no healthy upstream' }
}

/** An ORIGINAL_DST cluster chooses nothing: the connection says where it goes. */
function destinationOf(cluster: Cluster, connection: ConnectionFacts, recorder: Recorder): Upstream {
  const endpoint = originalDestination(cluster, connection)
  if (endpoint === undefined) return { kind: 'none', reason: 'the original destination is not known here' }
  const tls = transportSocketFor(cluster, endpoint)
  const summary = endpointText(cluster, { endpoint, tls }, {})
  recorder.step({ decision: 'endpoint', chosen: endpoint.key, summary, origins: cluster.origins, losers: [] })
  return { kind: 'endpoint', endpoint, tls }
}

/** A cluster of hosts that requests name chooses nothing either; where a host is, its proxy finds out when it is asked for. */
function hostOf(cluster: Cluster, host: DynamicHost | undefined, recorder: Recorder): Upstream {
  if (host === undefined) return { kind: 'none', reason: 'no filter looks up the host that it names' }
  const name = `${host.host.includes(':') ? `[${host.host}]` : host.host}:${host.port}`
  const how = cluster.tls === undefined ? 'plaintext' : 'TLS'
  const summary = `host ${name} (named by what is sent, ${how}); the proxy looks up its address, which is not done here`
  recorder.step({ decision: 'endpoint', chosen: name, summary, origins: cluster.origins, losers: [] })
  return { kind: 'named', host: name }
}

/** A session whose endpoint cannot be used. */
function goneText(wanted: Wanted | undefined, chosen: Endpoint | undefined): string {
  if (wanted === undefined || wanted.key === chosen?.key) return ''
  return `; ${wanted.by} asks for ${wanted.key}, which cannot be used`
}

function endpointText(
  cluster: Cluster,
  { endpoint, tls }: { readonly endpoint: Endpoint; readonly tls: UpstreamTls | undefined },
  { hashed, wanted }: { readonly hashed?: Hashed | undefined; readonly wanted?: Wanted | undefined },
): string {
  const { policy } = cluster.balancer
  const spreads = policy === 'ring-hash' || policy === 'maglev'
  const by = hashed === undefined || hashed.of.length === 0 ? 'nothing to hash, so by chance' : hashed.of.join(' and ')
  const balanced = spreads ? `${policy} of ${by}` : policy
  const choice = wanted?.key === endpoint.key ? `asked for by ${wanted.by}` : balanced
  if (endpoint.target.kind === 'internal') return `endpoint ${endpoint.key} (${choice}, inside the proxy)`
  return `endpoint ${endpoint.key} (${choice}, ${howSent(tls)})`
}

function howSent(tls: UpstreamTls | undefined): string {
  if (tls === undefined) return 'plaintext'
  return tls.certificateSecret === undefined && tls.givenCertificates === undefined ? 'TLS' : 'mutual TLS'
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
  via: {
    readonly endpoint: Endpoint
    readonly tls: UpstreamTls | undefined
    readonly bytes: boolean
    /** What the client says first, where its own TLS goes on as it is. */
    readonly passed?: Pick<ConnectionFacts, 'sni'> | undefined
  },
): ConnectionFacts {
  const { tls, bytes, passed } = via
  const { target } = via.endpoint
  const shown = tls?.certificateSecret === meshSecrets.certificate ? from.principal : undefined
  return {
    localAddress: target.kind === 'socket' ? target.address : '',
    localPort: target.kind === 'socket' ? target.port : 0,
    remoteAddress: cluster.bindAddress ?? from.address,
    remotePort: 0,
    sni: passed === undefined ? tls?.sni : passed.sni,
    transportProtocol: tls === undefined && passed === undefined ? 'raw_buffer' : 'tls',
    applicationProtocols: tls !== undefined ? tls.alpn : bytes ? [] : ['http/1.1'],
    tls: tls !== undefined,
    peerNames: shown === undefined ? [] : [shown],
  }
}
