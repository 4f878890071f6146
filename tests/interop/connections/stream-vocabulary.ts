// The few words that rules for connections and connections share.

/** Services whose workloads have no proxy. */
export const plainServices = ['alpha', 'beta', 'gamma'] as const
/** And the one behind a sidecar. */
export const streamServices = [...plainServices, 'target'] as const

/** Server names that clients ask for. */
export const serverNames = [
  'alpha.example',
  'a.shop.example',
  'b.shop.example',
  'x.y.shop.example',
  'A.Shop.Example',
  'other.test',
  '',
] as const

/** Names that rules at gateways and routes ask for. */
export const ruledNames = [
  'alpha.example',
  'a.shop.example',
  '*.shop.example',
  '*.y.shop.example',
  '*.example',
  'other.test',
] as const

/** Where clients dial from. */
export const clientAddresses = ['127.0.0.1', '127.0.0.1', '127.0.0.2', '127.0.0.77', '127.1.2.3'] as const
export const sourceRanges = ['127.0.0.0/8', '127.0.0.0/30', '127.0.0.77', '127.1.0.0/16', '10.0.0.0/8'] as const

/** SPIFFE ids of callers; the first is that of every proxy. */
export const callers = [
  'spiffe://cluster.local/ns/default/sa/target',
  'spiffe://cluster.local/ns/default/sa/client',
  'spiffe://cluster.local/ns/other/sa/client',
] as const
export const principals = [
  'cluster.local/ns/default/sa/client',
  'cluster.local/ns/default/sa/target',
  'cluster.local/ns/default/*',
  '*/sa/client',
  '*',
] as const

/** Hosts of ServiceEntries. */
export const outside = {
  wide: 'wide.out.test',
  narrow: 'narrow.out.test',
  direct: 'direct.out.test',
  named: 'named.out.test',
  wildcard: '*.wild.test',
} as const

/** Ports of gateways; the second is a server that no rule is for. */
export const gatewayPorts = { bytes: 7100, idle: 7101, tls: 7443, passed: 15443 } as const
export const edgePorts = { bytes: 7200, tls: 7543 } as const

/** Ports of Services and of their applications. */
export interface StreamPorts {
  readonly tcp: number
  readonly tls: number
}

/** Addresses outside the mesh: what the ServiceEntries are called by, and where they are served. */
export function outsideAddresses(octet: number) {
  const at = (last: number | string): string => `127.70.${octet}.${last}`
  return {
    wideRange: at('0/28'),
    inWide: at(1),
    narrow: at(5),
    directRange: at('32/28'),
    inDirect: at(33),
    wildcard: at(34),
    unknown: at(200),
    endpoints: [at(101), at(102), at(103)],
    services: streamServices.map((_, index) => at(64 + index)),
  }
}
