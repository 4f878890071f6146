// A proxy that was sent what no object of ours says: every matcher and action that a route configuration may have.
import type { JsonObject } from '@bufbuild/protobuf'
import { type ResourceTable, typeUrl } from '@weft/xds'
import { tableOf } from '../../sim/static-xds.ts'
import { clusterNames, generateManager, generateRequest, typed } from '../matchers/generate.ts'
import type { Dice } from '../matchers/random.ts'
import type { TestRequest } from './generate-request.ts'
import type { ListenAt } from './mesh-tables.ts'
import { cookies, sources } from './vocabulary.ts'

/** What is handed to the proxy. */
export interface BareTable {
  readonly table: ResourceTable
  /** Addresses at which applications have to answer. */
  readonly applications: readonly string[]
  /** For reports. */
  readonly text: string
}

const extensions = 'envoy.extensions'

const endpointsEach = 3
const balancing: readonly JsonObject[] = [
  {},
  { lb_policy: 'RING_HASH' },
  { lb_policy: 'RING_HASH', ring_hash_lb_config: { minimum_ring_size: 30 } },
  { lb_policy: 'MAGLEV' },
  { lb_policy: 'MAGLEV', maglev_lb_config: { table_size: 101 } },
]

/** A listener under a name of its own, since what it holds is not told apart by any answer, and the clusters of all such listeners. */
export function bareTable(dice: Dice, at: ListenAt, octet: number): BareTable {
  const manager = { ...generateManager(dice), access_log: [accessLog] }
  const hcm = `${extensions}.filters.network.http_connection_manager.v3.HttpConnectionManager`
  const name = `bare-${at.host}`
  const listener: JsonObject = {
    name,
    address: { socket_address: { address: at.host, port_value: at.port } },
    filter_chains: [{ filters: [typed('hcm', hcm, manager)] }],
  }
  const addresses = clusterNames.map((_, cluster) =>
    Array.from({ length: endpointsEach }, (_each, index) => `127.69.${octet}.${101 + cluster * endpointsEach + index}`),
  )
  const applications = addresses.flat()
  const clusters = [
    ...clusterNames.map((cluster, index) => [cluster, addresses[index] ?? []] as const),
    ['empty', []] as const,
  ].map(([cluster, of]) => [cluster, { ...clusterJson(cluster, of, at.port), ...dice.pick(balancing) }] as const)
  return {
    table: tableOf({ [typeUrl.listener]: { [name]: listener }, [typeUrl.cluster]: Object.fromEntries(clusters) }),
    applications,
    text: JSON.stringify(manager, undefined, 1),
  }
}

/** A request near its rules. */
export function bareRequest(dice: Dice): TestRequest {
  const { method, path, authority, headers = {} } = generateRequest(dice)
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((one) => [name, one] as const),
  )
  const cookie = dice.chance(0.6) ? [['cookie', dice.pick(cookies)] as const] : []
  const from = dice.chance(0.5) ? { source: dice.pick(sources) } : {}
  // It may be empty, which is not to be absent.
  const asked = dice.chance(0.1) ? '' : authority
  return { method, target: path, authority: asked, headers: [...lines, ...cookie], identity: undefined, ...from }
}

function clusterJson(name: string, addresses: readonly string[], port: number): JsonObject {
  const endpoints = addresses.map((address) => ({
    endpoint: { address: { socket_address: { address, port_value: port } } },
  }))
  return { name, type: 'STATIC', load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: endpoints }] } }
}

/** A log of the keys that tests read. */
export const accessLog = typed('stdout', `${extensions}.access_loggers.stream.v3.StdoutAccessLog`, {
  log_format: {
    json_format: {
      user_agent: '%REQ(USER-AGENT)%',
      route_name: '%ROUTE_NAME%',
      upstream_cluster: '%UPSTREAM_CLUSTER%',
      response_flags: '%RESPONSE_FLAGS%',
      response_code_details: '%RESPONSE_CODE_DETAILS%',
    },
  },
})
