// TLS that a proxy begins towards an application: the certificates of applications are known here only, not to `explain`.
import { type ProxyView, testValue, transportSocketFor, type UpstreamTls } from '@weft/engine'
import { proxyIdentity } from '../differential/wire-arm.ts'
import type { Layer } from './stream-application.ts'
import { doorCertificate, doorName } from './stream-gateways.ts'
import { applicationNames, clientFileName, strangersFile } from './stream-origination.ts'

/** What an application sees of it, or that the proxy does not accept who answers; undefined: no TLS is begun. */
export function begunTls(
  view: ProxyView,
  clusterName: string,
  endpointKey: string,
): Layer | 'not accepted' | undefined {
  const tls = tlsTowards(view, clusterName, endpointKey)
  if (tls === undefined) return undefined
  return accepts(tls) ? { serverName: tls.sni ?? '', client: shownBy(tls) } : 'not accepted'
}

function tlsTowards({ config, endpoints }: ProxyView, clusterName: string, key: string): UpstreamTls | undefined {
  const cluster = config.clusters.get(clusterName)
  if (cluster === undefined) return undefined
  const { discovery } = cluster
  const set = discovery.kind === 'eds' ? endpoints.get(discovery.edsName) : undefined
  const endpoint = set?.localities.flatMap((one) => one.endpoints).find((one) => one.key === key)
  if (discovery.kind === 'eds') return endpoint === undefined ? undefined : transportSocketFor(cluster, endpoint)
  // Nothing is known of addresses that clients name.
  const any = cluster.transportSocketMatches.find(({ match }) => Object.keys(match).length === 0)
  return (any ?? cluster).tls
}

/** One authority has issued all certificates. */
function accepts({ rootsSecret, givenRoots, sans }: UpstreamTls): boolean {
  if (rootsSecret === undefined && givenRoots === undefined) return true
  if (givenRoots?.kind === 'system' || (givenRoots?.kind === 'file' && !isKnown(givenRoots.path))) return false
  if (sans.length === 0) return true
  const ofType = { uri: /:\/\//, dns: /^[^:/]+$/, email: /@/, ip: /^[\d.]+$/ }
  return sans.some(({ type, test }) =>
    applicationNames.some((name) => ofType[type].test(name) && testValue(test, name)),
  )
}

/** Not those of the machine, which a rule without any means. */
function isKnown(path: string): boolean {
  return !path.startsWith('/etc/') && !path.endsWith(strangersFile)
}

function shownBy({ certificateSecret, givenCertificates }: UpstreamTls): string {
  if (givenCertificates !== undefined) return `DNS:${clientFileName}`
  if (certificateSecret === undefined) return ''
  return certificateSecret.includes(doorCertificate) ? `DNS:${doorName}` : `URI:${proxyIdentity}`
}
