// Patches of listeners: themselves, their chains, and the filters in them.
import { clone, type DescMessage, fromBinary, type Message } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import type { ListenerPlace } from '@weft/resources'
import type { Listener } from '@weft/xds/es/envoy/config/listener/v3/listener'
import {
  type Filter,
  type FilterChain,
  FilterChainSchema,
  FilterSchema,
  type ListenerFilter,
  ListenerFilterSchema,
} from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import {
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
  type HttpFilter,
  HttpFilterSchema,
} from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { listRule, type ReadyPatch } from './ready-patch.ts'
import { mergeMessage, packed } from './merge-message.ts'
import { type ListPatch, patchList } from './patch-list.ts'
import { patchRoutes } from './patch-routes.ts'

/** The network filter that speaks HTTP. */
export const managerName = 'envoy.filters.network.http_connection_manager'

/** Changes a listener by one patch; false when it is removed. */
export function patchListener(listener: Listener, patch: ReadyPatch): boolean {
  const place = patch.match?.listener
  if (!ofListener(listener, place)) return true
  const { applyTo, operation } = patch
  if (applyTo === 'LISTENER') {
    if (operation === 'REMOVE') return false
    if (patch.value !== undefined && operation.startsWith('MERGE')) {
      mergeMessage(ListenerSchema, listener, patch.value, listRule(operation))
    }
  } else if (applyTo === 'LISTENER_FILTER') {
    const name = place?.listenerFilter
    const names = name === undefined ? undefined : (filter: ListenerFilter) => filter.name === name
    listener.listenerFilters = patchList(listener.listenerFilters, listPatch(patch, ListenerFilterSchema, names))
  } else {
    patchChains(listener, patch)
  }
  return true
}

function ofListener(listener: Listener, place: ListenerPlace | undefined): boolean {
  if (place?.name !== undefined && place.name !== listener.name) return false
  if (place?.portNumber === undefined) return true
  const address = listener.address?.address
  return (
    address?.case === 'socketAddress' &&
    address.value.portSpecifier.case === 'portValue' &&
    address.value.portSpecifier.value === place.portNumber
  )
}

function patchChains(listener: Listener, patch: ReadyPatch): void {
  const place = patch.match?.listener?.filterChain
  const { applyTo } = patch
  if (applyTo === 'FILTER_CHAIN') {
    const names = place === undefined ? undefined : (chain: FilterChain) => ofChain(chain, place)
    listener.filterChains = patchList(listener.filterChains, listPatch(patch, FilterChainSchema, names))
    return
  }
  const chains = listener.defaultFilterChain === undefined ? [] : [listener.defaultFilterChain]
  for (const chain of [...listener.filterChains, ...chains]) {
    if (place !== undefined && !ofChain(chain, place)) continue
    if (applyTo === 'NETWORK_FILTER') {
      const name = place?.filter?.name
      const names = name === undefined ? undefined : (filter: Filter) => filter.name === name
      // The last filter ends the chain: what is added comes before it.
      const end = (filters: readonly Filter[]): number => Math.max(0, filters.length - 1)
      chain.filters = patchList(chain.filters, { ...listPatch(patch, FilterSchema, names), end })
    } else patchManagers(chain, patch)
  }
}

function ofChain(chain: FilterChain, place: NonNullable<ListenerPlace['filterChain']>): boolean {
  const match = chain.filterChainMatch
  if (place.name !== undefined && place.name !== chain.name) return false
  if (place.sni !== undefined && match?.serverNames.includes(place.sni) !== true) return false
  if (place.transportProtocol !== undefined && place.transportProtocol !== match?.transportProtocol) return false
  if (place.destinationPort !== undefined && place.destinationPort !== match?.destinationPort) return false
  const wanted = place.applicationProtocols?.split(',').map((each) => each.trim())
  return wanted === undefined || wanted.every((each) => match?.applicationProtocols.includes(each) === true)
}

/** HTTP filters, and routes that stand inside their connection manager. */
function patchManagers(chain: FilterChain, patch: ReadyPatch): void {
  for (const filter of chain.filters) {
    if (filter.name !== managerName || filter.configType.case !== 'typedConfig') continue
    const any: Any = filter.configType.value
    const manager = fromBinary(HttpConnectionManagerSchema, any.value)
    if (patch.applyTo === 'HTTP_FILTER') patchHttpFilters(manager, patch)
    else if (manager.routeSpecifier.case === 'routeConfig') patchRoutes(manager.routeSpecifier.value, patch)
    filter.configType = { case: 'typedConfig', value: packed(HttpConnectionManagerSchema, any.typeUrl, manager) }
  }
}

function patchHttpFilters(manager: HttpConnectionManager, patch: ReadyPatch): void {
  const filter = patch.match?.listener?.filterChain?.filter
  if (filter?.name !== undefined && filter.name !== managerName) return
  const name = filter?.subFilter?.name
  const names = name === undefined ? undefined : (each: HttpFilter) => each.name === name
  const end = (filters: readonly HttpFilter[]): number => placeOf(patch.filterClass, filters)
  manager.httpFilters = patchList(manager.httpFilters, { ...listPatch(patch, HttpFilterSchema, names), end })
}

/** Where a filter of a class goes: after its like, or else before the router. */
function placeOf(filterClass: ReadyPatch['filterClass'], filters: readonly HttpFilter[]): number {
  const after = (names: readonly string[]): number => filters.findLastIndex(({ name }) => names.includes(name)) + 1
  if (filterClass === 'AUTHN') return after(['envoy.filters.http.jwt_authn'])
  if (filterClass === 'AUTHZ') {
    return after(['envoy.filters.http.jwt_authn', 'envoy.filters.http.rbac', 'envoy.filters.http.ext_authz'])
  }
  return Math.max(0, filters.length - 1)
}

function listPatch<T extends Message>(
  patch: ReadyPatch,
  schema: DescMessage & { readonly typeName: T['$typeName'] },
  names: ((item: T) => boolean) | undefined,
): ListPatch<T> {
  const { operation } = patch
  return {
    operation,
    // What one patch adds another may change.
    value: patch.value === undefined ? undefined : (clone(schema as DescMessage, patch.value) as T),
    names,
    merge: (target, source) => mergeMessage(schema, target, source, listRule(operation)),
  }
}
