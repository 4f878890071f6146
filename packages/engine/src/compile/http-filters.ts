// http_filters of a connection manager.
import * as lean from '@weft/xds/lean'
import type { HttpFilter } from '../model.ts'
import { compileDnsCache } from './dns-cache.ts'
import { compileFault } from './fault.ts'
import { compileRateLimit } from './rate-limit.ts'
import { compileRbac, readRules } from './rbac.ts'
import { attempt, type Context, readPart, refuse } from './refusal.ts'
import { compileSession } from './session.ts'
import { keptUnknown } from './unknown-filter.ts'

/** In the order of the configuration. A type we do not have refuses the listener, unless it is optional. */
export function compileHttpFilters(
  context: Context,
  at: string,
  filters: readonly lean.HttpFilter[],
): readonly HttpFilter[] {
  const compiled: HttpFilter[] = []
  filters.forEach((filter, index) => {
    const one = compileOrKeep(context, `${at}[${index}]`, filter)
    if (one !== undefined) compiled.push(one)
  })
  const last = compiled.at(-1)
  if (last?.kind !== 'router') return refuse(at, 'the last filter must be envoy.filters.http.router')
  if (compiled.slice(0, -1).some((filter) => filter.kind === 'router')) return refuse(at, 'the router must come last')
  return compiled
}

/** Where unknown filters are kept, one that would be refused is. Nobody goes on without a router. */
function compileOrKeep(context: Context, at: string, filter: lean.HttpFilter): HttpFilter | undefined {
  const { name, disabled, typedConfig } = filter
  const type = typedConfig?.typeUrl
  if (context.options.keepsUnknown === undefined || type === lean.typeUrls.Router) {
    return compileHttpFilter(context, at, filter)
  }
  const compiled = attempt(() => compileHttpFilter(context, at, filter))
  // How many requests came before this one, no configuration tells.
  if (compiled.ok && compiled.value?.kind !== 'rate-limit') return compiled.value
  return { name, disabled, ...keptUnknown(context, { name, type }) }
}

function compileHttpFilter(context: Context, at: string, filter: lean.HttpFilter): HttpFilter | undefined {
  const { name, disabled } = filter
  const where = `${at}.typed_config`
  const any = filter.typedConfig
  switch (any?.typeUrl) {
    case lean.typeUrls.HttpRBAC: {
      const rbac = readRules(context, where, lean.readHttpRBAC, any.value)
      return {
        kind: 'rbac',
        name,
        disabled,
        rules: compileRbac(context, `${where}.rules`, rbac.rules),
        shadow: compileRbac(context, `${where}.shadow_rules`, rbac.shadowRules),
      }
    }
    case lean.typeUrls.HTTPFault:
      return {
        kind: 'fault',
        name,
        disabled,
        fault: compileFault(context, where, readPart(context, where, lean.readHTTPFault, any.value)),
      }
    case lean.typeUrls.LocalRateLimit:
      return {
        name,
        disabled,
        ...compileRateLimit(where, readPart(context, where, lean.readLocalRateLimit, any.value)),
      }
    case lean.typeUrls.Cors:
      readPart(context, where, lean.readCors, any.value)
      return { kind: 'cors', name, disabled }
    case lean.typeUrls.StatefulSession: {
      const session = compileSession(context, where, readPart(context, where, lean.readStatefulSession, any.value))
      return { kind: 'session', name, disabled, session }
    }
    case lean.typeUrls.DynamicForwardProxy: {
      const lookup = readPart(context, where, lean.readDynamicForwardProxy, any.value)
      if (lookup.subClusterConfig !== undefined) return refuse(`${where}.sub_cluster_config`, 'is not supported')
      const cache = compileDnsCache(context, `${where}.dns_cache_config`, lookup.dnsCacheConfig)
      return { kind: 'dynamic-host', name, disabled, cache }
    }
    case lean.typeUrls.GrpcWeb:
      readPart(context, where, lean.readGrpcWeb, any.value)
      return { kind: 'grpc-web', name, disabled }
    case lean.typeUrls.Router: {
      const router = readPart(context, where, lean.readRouter, any.value)
      return {
        kind: 'router',
        name,
        disabled: false,
        suppressEnvoyHeaders: router.suppressEnvoyHeaders,
        respectExpectedTimeout: router.respectExpectedRqTimeout,
      }
    }
    default: {
      const type = any?.typeUrl ?? 'nothing'
      if (!filter.isOptional || context.options.keepsUnknown !== undefined)
        return refuse(where, `the http filter "${name}" (${type}) is not known`)
      context.unlisted.push(`http filter ${name} (${type}), optional`)
      return undefined
    }
  }
}
