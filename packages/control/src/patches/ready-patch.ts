// A patch whose value has been read.
import type { DescMessage, Message } from '@bufbuild/protobuf'
import { err, ok, originOf, type Origin, type Result } from '@weft/core'
import type { ConfigPatch, EnvoyFilterSpec, PatchOperation, PatchTarget } from '@weft/resources'
import { BootstrapSchema } from '@weft/xds/es/envoy/config/bootstrap/v3/bootstrap'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { TypedExtensionConfigSchema } from '@weft/xds/es/envoy/config/core/v3/extension'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import {
  FilterChainSchema,
  FilterSchema,
  ListenerFilterSchema,
} from '@weft/xds/es/envoy/config/listener/v3/listener_components'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { RouteSchema, VirtualHostSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import { HttpFilterSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import type { ListRule } from './merge-message.ts'
import { patchValue } from './patch-value.ts'

/** A patch, ready to be applied. */
export interface ReadyPatch {
  readonly applyTo: PatchTarget
  readonly operation: PatchOperation
  readonly match: ConfigPatch['match']
  readonly filterClass: NonNullable<ConfigPatch['patch']>['filterClass']
  readonly value: Message | undefined
  readonly origin: Origin
}

const schemas: Readonly<Partial<Record<PatchTarget, DescMessage>>> = {
  LISTENER: ListenerSchema,
  FILTER_CHAIN: FilterChainSchema,
  NETWORK_FILTER: FilterSchema,
  HTTP_FILTER: HttpFilterSchema,
  LISTENER_FILTER: ListenerFilterSchema,
  ROUTE_CONFIGURATION: RouteConfigurationSchema,
  VIRTUAL_HOST: VirtualHostSchema,
  HTTP_ROUTE: RouteSchema,
  CLUSTER: ClusterSchema,
  EXTENSION_CONFIG: TypedExtensionConfigSchema,
  BOOTSTRAP: BootstrapSchema,
}

/** The patches of an EnvoyFilter that are wanted, in order; those that do not fit say why, the others apply. */
export function readPatches(
  { id, spec }: SnapshotObject<EnvoyFilterSpec>,
  isWanted: (patch: ConfigPatch) => boolean,
): Result<ReadyPatch, { origin: Origin; message: string }>[] {
  return spec.configPatches.flatMap((written, index) => {
    if (!isWanted(written)) return []
    const origin = originOf(id, `spec.configPatches[${index}]`)
    const { applyTo = 'INVALID', match, patch } = written
    const { operation = 'INVALID', filterClass } = patch ?? {}
    const schema = schemas[applyTo]
    if (schema === undefined) return err({ origin, message: `${applyTo} cannot be patched: it is not sent to proxies` })
    const common = { applyTo, operation, match, filterClass, origin }
    if (operation === 'INVALID') return err({ origin, message: 'says no `operation`' })
    if (applyTo === 'EXTENSION_CONFIG' && operation !== 'ADD') {
      return err({ origin, message: `${operation} does nothing to an EXTENSION_CONFIG: write ADD` })
    }
    if (operation === 'REMOVE') return ok({ ...common, value: undefined })
    const value = patchValue(schema, patch?.value)
    return value.ok ? ok({ ...common, value: value.value }) : err({ origin, message: value.error })
  })
}

/** What a merge does to lists. */
export function listRule(operation: PatchOperation): ListRule {
  return operation === 'MERGE_AND_REPLACE_LIST' ? 'replace' : 'append'
}
