// Listeners as proxies are given them here: each chain tells its name in its log, and what the kernel would redirect comes with a PROXY header.
import { createRegistry, type JsonObject } from '@bufbuild/protobuf'
import { type EncodedResource, type ResourceTable, resourceTable, typeUrl } from '@weft/xds'
import { ProxyProtocolSchema } from '@weft/xds/es/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol'
import { ownMessages, versionOf } from '../../../packages/control/src/generators/encode.ts'
import { resourceToJson } from '../../../packages/control/src/patches/resource-to-json.ts'
import { tableOf } from '../../sim/static-xds.ts'
import { typed } from '../matchers/generate.ts'

/** JSON of a listener, of a chain or of a filter. */
type Part = Record<string, unknown>

const messages = createRegistry(ownMessages, ProxyProtocolSchema)
const proxyHeaders = typed(
  'envoy.filters.listener.proxy_protocol',
  'envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol',
  {},
)

/** The table whose chains tell their names; `boundAt`: listeners that nobody dials are bound there, those that others dial are left out. */
export function withToldChains(table: ResourceTable, boundAt?: string): ResourceTable {
  const listeners: [string, JsonObject][] = []
  for (const [name, { body }] of table.get(typeUrl.listener)) {
    const listener = resourceToJson(typeUrl.listener, body) as Part
    const isInternal = listener['internal_listener'] !== undefined
    if (boundAt !== undefined && !isInternal && !moveTo(listener, boundAt)) continue
    listeners.push([name, listener as JsonObject])
    // What comes from inside a proxy was told of where it came in.
    if (isInternal) continue
    for (const chain of [...partsOf(listener['filter_chains']), listener['default_filter_chain'] as Part | undefined]) {
      if (chain !== undefined) tellName(chain)
    }
  }
  const told = tableOf({ [typeUrl.listener]: Object.fromEntries(listeners) }, messages)
  const types = new Map<string, ReadonlyMap<string, EncodedResource>>(
    Object.values(typeUrl).map((type) => [type, (type === typeUrl.listener ? told : table).get(type)]),
  )
  return resourceTable(types, (text) => versionOf(new TextEncoder().encode(text)))
}

/** Whether it is a listener that nobody dials. */
function moveTo(listener: Part, host: string): boolean {
  if (listener['bind_to_port'] !== false) return false
  const { socket_address: at } = listener['address'] as { socket_address: Part }
  at['address'] = host
  delete listener['bind_to_port']
  listener['listener_filters'] = [proxyHeaders, ...partsOf(listener['listener_filters'])]
  return true
}

/** In the log of whatever forwards its bytes. */
function tellName(chain: Part): void {
  for (const filter of partsOf(chain['filters'])) {
    for (const log of partsOf((filter['typed_config'] as Part | undefined)?.['access_log'])) {
      const format = (log['typed_config'] as Part)['log_format'] as { json_format?: Part } | undefined
      if (format?.json_format !== undefined) format.json_format['chain'] = chain['name'] ?? 'nameless'
    }
  }
}

function partsOf(list: unknown): readonly Part[] {
  return (list ?? []) as readonly Part[]
}
