// The names of a request towards its upstream: the server name that TLS asks for, and the name its certificate must carry
// (`upstream_http_protocol_options`). Connections of different names are never shared.
import { withoutPort } from '../match/authority.ts'
import { parseAddress } from '../match/cidr.ts'
import type { AutoNames, Endpoint } from '../model.ts'
import type { RequestHead } from '../request-head.ts'

/** The endpoint as one request sees it; `authority` is what the upstream is told. */
export function namedEndpoint(endpoint: Endpoint, names: AutoNames, head: RequestHead, authority: string): Endpoint {
  const said = names.header === undefined ? undefined : head.header(names.header)
  const host = withoutBrackets(withoutPort(said === undefined || said === '' ? authority : said)).toLowerCase()
  // TLS names no addresses (RFC 6066 3).
  const serverName = names.sni && host !== '' && parseAddress(host) === undefined ? host : undefined
  const peerNames = names.san ? [host] : undefined
  return {
    ...endpoint,
    ...(serverName === undefined ? {} : { serverName }),
    ...(peerNames === undefined ? {} : { peerNames }),
    poolKey: `${endpoint.poolKey ?? endpoint.key} ${serverName ?? ''} ${peerNames?.[0] ?? ''}`,
  }
}

function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}
