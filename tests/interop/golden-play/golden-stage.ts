// What a golden case sends to its proxy, put on a stage: the same routes, filters and clusters at addresses of this machine. Changed is only
// where it listens (each connection manager at a place of its own, plaintext but for mutual TLS of the mesh), where endpoints are,
// that they speak plaintext, from where they are dialled, and what is logged; nobody is ejected.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { compile, type Listener, type ProxyView, type RouteConfig } from '@weft/engine'
import { compileRegex } from '@weft/engine/regex'
import { type ResourceTable, typeUrl } from '@weft/xds'
import { resourceToJson } from '../../../packages/control/src/patches/resource-to-json.ts'
import type { GoldenCase } from '../../../packages/control/src/golden/golden-case.ts'
import { patchRegistry } from '../../../packages/control/src/patches/patch-registry.ts'
import { tableOf } from '../../sim/static-xds.ts'
import { accessLog } from '../differential/bare-tables.ts'
import type { ListenAt } from '../differential/mesh-tables.ts'

/** A connection manager that can be asked. */
export interface Entrance {
  readonly name: string
  readonly side: 'outbound' | 'gateway' | 'inbound'
  /** Callers have to show a certificate. */
  readonly mutual: boolean
  readonly at: ListenAt
  readonly routes: RouteConfig
  /** The proxy with this listener only. */
  readonly view: ProxyView
}

/** A case on its stage. */
export interface Stage {
  readonly table: ResourceTable
  readonly entrances: readonly Entrance[]
  /** Addresses at which applications have to answer. */
  readonly applications: readonly string[]
  /** Connection managers that are not played. */
  readonly left: readonly Left[]
}

/** Something that is not played, and why. */
export interface Left {
  readonly what: string
  readonly why: string
}

/** Where things are put. */
export interface Places {
  /** A free address for a listener. */
  nextHost(): string
  /** Third octet of the applications' addresses, and their port. */
  readonly octet: number
  readonly port: number
}

/** Ports below need privileges. */
const firstFreePort = 1024

/** Puts it there. */
export function goldenStage({ mesh, options }: GoldenCase, places: Places): Stage {
  const sent = mesh.resourcesFor(options.proxy)
  if (sent === undefined) throw new Error(`no proxy ${options.proxy}`)
  const json = (type: string) =>
    [...sent.get(type).values()].map(({ name, body }) => [name, resourceToJson(type, body) as JsonObject] as const)
  const applications: string[] = []
  const known = new Map<string, string>()
  const moved = (address: string): string => {
    const found = known.get(address) ?? `127.69.${places.octet}.${1 + known.size}`
    if (!known.has(address)) applications.push(found)
    known.set(address, found)
    return found
  }
  const endpoints = json(typeUrl.clusterLoadAssignment).map(
    ([name, one]) => [name, withPlaces(one, moved, places.port)] as const,
  )
  const clusters = json(typeUrl.cluster).map(([name, one]) => [name, plainCluster(one, moved, places.port)] as const)
  const routes = json(typeUrl.routeConfiguration)
  const doors = json(typeUrl.listener).flatMap(([, one]) => doorsOf(one, places))
  const resources = {
    [typeUrl.cluster]: Object.fromEntries(clusters),
    [typeUrl.clusterLoadAssignment]: Object.fromEntries(endpoints),
    [typeUrl.routeConfiguration]: Object.fromEntries(routes),
  }
  const whole = tableOf(
    { ...resources, [typeUrl.listener]: Object.fromEntries(doors.map(({ name, json: one }) => [name, one])) },
    patchRegistry,
  )
  const left: Left[] = []
  const entrances = doors.flatMap((door): Entrance[] => {
    const entrance = entranceOf(door, whole)
    if (typeof entrance !== 'string') return [entrance]
    left.push({ what: door.name, why: entrance })
    return []
  })
  const played = new Set(entrances.map(({ name }) => name))
  const listeners = doors.filter(({ name }) => played.has(name)).map(({ name, json: one }) => [name, one] as const)
  const table = tableOf({ ...resources, [typeUrl.listener]: Object.fromEntries(listeners) }, patchRegistry)
  return { table, entrances, applications, left }
}

interface Door {
  readonly name: string
  readonly side: Entrance['side']
  readonly mutual: boolean
  readonly at: ListenAt
  readonly json: JsonObject
}

/** Each connection manager of a listener that clients can reach. */
function doorsOf(listener: JsonObject, places: Places): readonly Door[] {
  const name = String(listener['name'])
  const port = listener['address'] === undefined ? undefined : portIn(listener['address'])
  // Inside of tunnels and mesh tunnels: nobody sends requests there.
  if (port === undefined || name === 'connect_terminate') return []
  const inbound = listener['traffic_direction'] === 'INBOUND' && !name.startsWith('gateway')
  const side = name === 'outbound-http' ? 'outbound' : inbound ? 'inbound' : 'gateway'
  const chains = [...objects(listener['filter_chains']), ...objects([listener['default_filter_chain'] ?? []].flat())]
  return chains.flatMap((chain, index): Door[] => {
    const filters = objects(chain['filters'])
    if (!filters.some(isManager)) return []
    const mutual = side === 'inbound' && JSON.stringify(chain['transport_socket'] ?? '').includes('"sds-grpc"')
    const at = { host: places.nextHost(), port: port < firstFreePort ? port + 20_000 : port }
    const kept = { ...chain, filters: filters.map(logged) }
    const staged = without(kept, ['filter_chain_match', ...(mutual ? [] : ['transport_socket'])])
    const json: JsonObject = {
      name: `${name}/${index}`,
      address: { socket_address: { address: at.host, port_value: at.port } },
      filter_chains: [staged],
      ...pickKeys(listener, ['traffic_direction', 'metadata', 'per_connection_buffer_limit_bytes']),
    }
    return [{ name: `${name}/${index}`, side, mutual, at, json }]
  })
}

/** As the engine sees it, or why it cannot be played. */
function entranceOf({ name, side, mutual, at }: Door, table: ResourceTable): Entrance | string {
  const body = table.get(typeUrl.listener).get(name)?.body
  const listener = compile.compileListener(body ?? new Uint8Array(), { regex: compileRegex })
  if (!listener.ok) return listener.error.message
  const config: ProxyView['config'] = {
    listeners: new Map([[name, listener.value]]),
    routeConfigs: compiled(table, typeUrl.routeConfiguration, compile.compileRouteConfig),
    clusters: compiled(table, typeUrl.cluster, compile.compileCluster),
  }
  const routes = routesOf(listener.value, config)
  if (routes === undefined) return 'its route configuration is not read by the engine'
  const endpoints = compiled(table, typeUrl.clusterLoadAssignment, compile.compileEndpoints)
  return {
    name,
    side,
    mutual,
    at,
    routes,
    view: { id: name, address: at.host, principal: undefined, config, endpoints },
  }
}

/** What the engine refuses is left out. */
function compiled<T>(
  table: ResourceTable,
  type: string,
  compileOne: (body: Uint8Array, options: { regex: typeof compileRegex }) => { ok: true; value: T } | { ok: false },
): ReadonlyMap<string, T> {
  const found = new Map<string, T>()
  for (const { name, body } of table.get(type).values()) {
    const result = compileOne(body, { regex: compileRegex })
    if (result.ok) found.set(name, result.value)
  }
  return found
}

function routesOf({ filterChains }: Listener, { routeConfigs }: ProxyView['config']): RouteConfig | undefined {
  const terminal = filterChains[0]?.terminal
  if (terminal?.kind !== 'http') return undefined
  return terminal.routes.kind === 'inline' ? terminal.routes.config : routeConfigs.get(terminal.routes.name)
}

/** A cluster of plaintext endpoints at places of ours, none of which is ever ejected. */
function plainCluster(cluster: JsonObject, moved: (address: string) => string, port: number): JsonObject {
  const plain = without(cluster, [
    'transport_socket',
    'transport_socket_matches',
    'outlier_detection',
    'health_checks',
    'upstream_bind_config',
  ])
  const dns = String(cluster['type']).endsWith('_DNS')
  const still = dns ? { ...without(plain, dnsFields), type: 'STATIC' } : plain
  return withPlaces(chosenProtocol(still), moved, port)
}

const dnsFields = ['dns_lookup_family', 'dns_refresh_rate', 'respect_dns_ttl', 'dns_failure_refresh_rate', 'dns_jitter']

/** Without TLS there is nothing that could choose the protocol. */
function chosenProtocol(cluster: JsonObject): JsonObject {
  const text = JSON.stringify(cluster, (key, value: unknown) =>
    key === 'upstream_http_protocol_options' ? undefined : value,
  )
  return JSON.parse(text, (_key, value: unknown) =>
    isObject(value) && 'auto_config' in value
      ? { ...without(value, ['auto_config']), explicit_http_config: { http_protocol_options: {} } }
      : value,
  ) as JsonObject
}

/** With every endpoint's socket address replaced. */
function withPlaces(resource: JsonObject, moved: (address: string) => string, port: number): JsonObject {
  return JSON.parse(JSON.stringify(resource), (key, value: unknown) => {
    if (key !== 'endpoint' || !isObject(value)) return value
    const address = isObject(value['address']) ? value['address']['socket_address'] : undefined
    if (!isObject(address)) return value
    const place = moved(`${String(address['address'])}:${String(address['port_value'])}`)
    return { ...value, address: { socket_address: { address: place, port_value: port } } }
  }) as JsonObject
}

function isManager(filter: JsonObject): boolean {
  const config = filter['typed_config']
  return isObject(config) && String(config['@type']).endsWith('.HttpConnectionManager')
}

/** Logging what tests read, and nothing else. */
function logged(filter: JsonObject): JsonObject {
  if (!isManager(filter)) return filter
  return { ...filter, typed_config: { ...(filter['typed_config'] as JsonObject), access_log: [accessLog] } }
}

function portIn(address: JsonValue): number | undefined {
  const socket = isObject(address) ? address['socket_address'] : undefined
  return isObject(socket) && socket['protocol'] !== 'UDP' ? Number(socket['port_value']) : undefined
}

function without(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))
}

function pickKeys(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => keys.includes(key)))
}

function objects(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
