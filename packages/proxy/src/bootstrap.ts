import { err, ok, type Result } from '@weft/core'
import { parseAddress } from '@weft/engine'

/** What a proxy process is told at its start, as JSON in a file. */
export interface Bootstrap {
  /** Who we are to the control plane. */
  readonly node: {
    readonly id: string
    readonly cluster: string
    readonly metadata: Readonly<Record<string, unknown>>
  }
  /** Name of the workload instance, e.g. `catalog-v1-0`. */
  readonly instance: string
  /** The workload's mesh address. */
  readonly address: string
  /**
   * Source address of connections to clusters that name none, as Envoy's `cluster_manager.upstream_bind_config`; absent: the
   * kernel chooses.
   */
  readonly upstreamBindAddress?: string
  /** Who is asked for the addresses of hosts that requests name, where the configuration names nobody; absent: whom the machine asks. */
  readonly dnsServers?: readonly { readonly address: string; readonly port: number }[]
  readonly ads: { readonly host: string; readonly port: number; readonly serverSpiffeId: string }
  /** The host agent's Unix socket. */
  readonly sds: { readonly path: string }
  readonly admin: { readonly address: string; readonly port: number }
  /** Served on `address`, like `healthPort`; 0: any. Absent: not served. */
  readonly metricsPort?: number
  readonly healthPort?: number
  /** Where accepted configuration is kept between generations; absent: nowhere. */
  readonly stateDir?: string
  /** How long connections may take to finish after SIGTERM or a change of their listener. */
  readonly drainMs: number
  /** False: no access log, whatever the listeners say. */
  readonly accessLog: boolean
  /** Downstream connections open at once; default 10,000. */
  readonly maxConnections?: number
}

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string' && value !== ''
const isPort: Check = (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535
const isCount: Check = (value) => Number.isFinite(value) && (value as number) >= 0
const isObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const isBoolean: Check = (value) => typeof value === 'boolean'
const isServers: Check = (value) =>
  Array.isArray(value) &&
  value.every(
    (one) =>
      isObject(one) && typeof one.address === 'string' && parseAddress(one.address) !== undefined && isPort(one.port),
  )
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)

const rules: readonly (readonly [path: string, check: Check, what: string])[] = [
  ['node', isObject, 'an object'],
  ['node.id', isText, 'a text'],
  ['node.cluster', isText, 'a text'],
  ['node.metadata', isObject, 'an object'],
  ['instance', isText, 'a text'],
  ['address', isText, 'an address'],
  ['upstreamBindAddress', optional(isText), 'an address'],
  ['dnsServers', optional(isServers), 'a list of addresses and ports'],
  ['ads', isObject, 'an object'],
  ['ads.host', isText, 'an address'],
  ['ads.port', isPort, 'a port'],
  ['ads.serverSpiffeId', isText, 'a SPIFFE id'],
  ['sds', isObject, 'an object'],
  ['sds.path', isText, 'a path'],
  ['admin', isObject, 'an object'],
  ['admin.address', isText, 'an address'],
  ['admin.port', isPort, 'a port'],
  ['metricsPort', optional(isPort), 'a port'],
  ['healthPort', optional(isPort), 'a port'],
  ['stateDir', optional(isText), 'a path'],
  ['drainMs', isCount, 'milliseconds'],
  ['accessLog', isBoolean, 'true or false'],
  ['maxConnections', optional(isCount), 'a number'],
]

/** Parses a bootstrap; the error names the field that is missing or wrong. */
export function parseBootstrap(text: string): Result<Bootstrap> {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    return err(`bootstrap is not JSON: ${(error as Error).message}`)
  }
  for (const [path, check, what] of rules) {
    if (!check(valueAt(parsed, path))) return err(`bootstrap: ${path} must be ${what}`)
  }
  return ok(parsed as Bootstrap)
}

function valueAt(value: unknown, path: string): unknown {
  let at = value
  for (const key of path.split('.')) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Record<string, unknown>)[key]
  }
  return at
}
