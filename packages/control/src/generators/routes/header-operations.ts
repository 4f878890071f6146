// Header changes of rules and destinations.
import type { HeaderOperations, Headers } from '@weft/resources'
import {
  type HeaderValueOptionSchema,
  HeaderValueOption_HeaderAppendAction as AppendAction,
} from '@weft/xds/es/envoy/config/core/v3/base'
import { sortedEntries } from './route-match.ts'
import type { Init } from '../init.ts'

type HeaderValueOptionInit = Init<typeof HeaderValueOptionSchema>

/** The four header fields that routes and weighted clusters share, and the authority a `set` of Host asks for. */
export interface HeaderChanges {
  readonly requestHeadersToAdd: HeaderValueOptionInit[]
  readonly requestHeadersToRemove: string[]
  readonly responseHeadersToAdd: HeaderValueOptionInit[]
  readonly responseHeadersToRemove: string[]
}

/** Changes of several levels in the order in which they apply. */
export function headerChanges(...levels: readonly (Headers | undefined)[]): HeaderChanges {
  return {
    requestHeadersToAdd: levels.flatMap((headers) => toAdd(headers?.request)),
    requestHeadersToRemove: levels.flatMap((headers) => [...(headers?.request?.remove ?? [])]),
    responseHeadersToAdd: levels.flatMap((headers) => toAdd(headers?.response)),
    responseHeadersToRemove: levels.flatMap((headers) => [...(headers?.response?.remove ?? [])]),
  }
}

/** The authority that `headers.request.set.Host` asks for: it is part of the request line in HTTP/2, not a header. */
export function authorityFromHeaders(headers: Headers | undefined): string | undefined {
  return Object.entries(headers?.request?.set ?? {}).find(([name]) => isAuthority(name))?.[1]
}

function toAdd(operations: HeaderOperations | undefined): HeaderValueOptionInit[] {
  return [
    ...sortedEntries(operations?.set)
      .filter(([name]) => !isAuthority(name))
      .map(([key, value]) => ({ header: { key, value }, appendAction: AppendAction.OVERWRITE_IF_EXISTS_OR_ADD })),
    ...sortedEntries(operations?.add).map(([key, value]) => ({
      header: { key, value },
      appendAction: AppendAction.APPEND_IF_EXISTS_OR_ADD,
    })),
  ]
}

function isAuthority(name: string): boolean {
  return name.toLowerCase() === 'host' || name === ':authority'
}
