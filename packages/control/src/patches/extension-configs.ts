// Configurations of filters that EnvoyFilters name apart from the filters (EXTENSION_CONFIG): a filter that asks for one by its name gets it in
// its place. What Istio sends as resources of their own changes with the listener here, which drains nothing: its filters are made anew either way.
import { fromBinary } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import type { TypedExtensionConfig } from '@weft/xds/es/envoy/config/core/v3/extension'
import type { Listener } from '@weft/xds/es/envoy/config/listener/v3/listener'
import type { Filter } from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import {
  HttpConnectionManagerSchema,
  type HttpFilter,
} from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { packed } from './merge-message.ts'
import { managerName } from './patch-listener.ts'

/** Puts configurations into the filters of a listener that ask for them; those that nobody wrote are asked for as before. */
export function placeExtensions(listener: Listener, configs: readonly TypedExtensionConfig[]): void {
  const byName = new Map(configs.map(({ name, typedConfig }) => [name, typedConfig]))
  const chains = listener.defaultFilterChain === undefined ? [] : [listener.defaultFilterChain]
  for (const { filters } of [...listener.filterChains, ...chains]) {
    for (const filter of filters) {
      place(filter, byName)
      if (filter.name === managerName && filter.configType.case === 'typedConfig') {
        filter.configType = { case: 'typedConfig', value: withExtensions(filter.configType.value, byName) }
      }
    }
  }
}

function withExtensions(any: Any, byName: ReadonlyMap<string, Any | undefined>): Any {
  const manager = fromBinary(HttpConnectionManagerSchema, any.value)
  const changed = manager.httpFilters.filter((filter) => place(filter, byName))
  return changed.length === 0 ? any : packed(HttpConnectionManagerSchema, any.typeUrl, manager)
}

function place(filter: Filter | HttpFilter, byName: ReadonlyMap<string, Any | undefined>): boolean {
  const value = filter.configType.case === 'configDiscovery' ? byName.get(filter.name) : undefined
  if (value === undefined) return false
  filter.configType = { case: 'typedConfig', value }
  return true
}
