// Header filters of routes and backends.
import type { HeaderModifier } from '@weft/resources'
import { HeaderValueOption_HeaderAppendAction as AppendAction } from '@weft/xds/es/envoy/config/core/v3/base'
import type { HeaderChanges } from '../routes/header-operations.ts'

/** What has filters that change headers. */
export interface HeaderFilter {
  readonly requestHeaderModifier?: HeaderModifier
  readonly responseHeaderModifier?: HeaderModifier
}

/** The header changes of filters, in their order. */
export function headerModifiers(filters: readonly HeaderFilter[]): HeaderChanges {
  const request = filters.flatMap(({ requestHeaderModifier }) => requestHeaderModifier ?? [])
  const response = filters.flatMap(({ responseHeaderModifier }) => responseHeaderModifier ?? [])
  return {
    requestHeadersToAdd: request.flatMap(toAdd),
    requestHeadersToRemove: request.flatMap(({ remove }) => [...(remove ?? [])]),
    responseHeadersToAdd: response.flatMap(toAdd),
    responseHeadersToRemove: response.flatMap(({ remove }) => [...(remove ?? [])]),
  }
}

/** The authority that a filter sets by way of the Host header, which in HTTP/2 is none. */
export function authoritySet(filters: readonly HeaderFilter[]): string | undefined {
  return filters.flatMap(({ requestHeaderModifier }) => requestHeaderModifier?.set ?? []).find(isHost)?.value
}

function toAdd({ set, add }: HeaderModifier): HeaderChanges['requestHeadersToAdd'] {
  return [
    ...(set ?? []).filter((one) => !isHost(one)).map((one) => option(one, AppendAction.OVERWRITE_IF_EXISTS_OR_ADD)),
    ...(add ?? []).map((one) => option(one, AppendAction.APPEND_IF_EXISTS_OR_ADD)),
  ]
}

/** Values are meant literally; Envoy would take a percent sign for the start of a command. */
function option(
  { name, value }: { readonly name: string; readonly value: string },
  appendAction: AppendAction,
): HeaderChanges['requestHeadersToAdd'][number] {
  return { header: { key: name, value: value.replaceAll('%', '%%') }, appendAction }
}

function isHost({ name }: { readonly name: string }): boolean {
  return name.toLowerCase() === 'host'
}
