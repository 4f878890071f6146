// typed_per_filter_config: settings of one http filter for a route, virtual host, weighted cluster or configuration.
import type { LeanAny } from '@weft/xds'
import {
  readCorsPolicy,
  readDynamicForwardProxyPerRoute,
  readHTTPFault,
  readRBACPerRoute,
  readRouteFilterConfig,
  readStatefulSessionPerRoute,
  typeUrls,
} from '@weft/xds/lean'
import type { FilterOverride, FilterOverrides } from '../model.ts'
import { compileCors } from './cors.ts'
import { compileFault } from './fault.ts'
import { compileRbac, readRules } from './rbac.ts'
import { type Context, readPart, refuse } from './refusal.ts'
import { compileSession } from './session.ts'

const none: FilterOverrides = new Map()

/** By filter name. A type that no filter of ours has refuses the resource, unless FilterConfig says it is optional. */
export function compileFilterOverrides(
  context: Context,
  at: string,
  configs: ReadonlyMap<string, LeanAny>,
): FilterOverrides {
  if (configs.size === 0) return none
  const overrides = new Map<string, FilterOverride>()
  for (const [name, config] of configs) {
    const override = compileOverride(context, `${at}["${name}"]`, config, false)
    if (override !== undefined) overrides.set(name, override)
  }
  return overrides
}

function compileOverride(context: Context, at: string, any: LeanAny, optional: boolean): FilterOverride | undefined {
  switch (any.typeUrl) {
    case typeUrls.RouteFilterConfig: {
      const wrapper = readPart(context, at, readRouteFilterConfig, any.value)
      if (wrapper.disabled) return { kind: 'disabled' }
      if (wrapper.config === undefined) return { kind: 'enabled' }
      return compileOverride(context, `${at}.config`, wrapper.config, wrapper.isOptional)
    }
    case typeUrls.RBACPerRoute: {
      const perRoute = readRules(context, at, readRBACPerRoute, any.value)
      if (perRoute.rbac === undefined) return { kind: 'disabled' }
      return {
        kind: 'rbac',
        rules: compileRbac(context, `${at}.rbac.rules`, perRoute.rbac.rules),
        shadow: compileRbac(context, `${at}.rbac.shadow_rules`, perRoute.rbac.shadowRules),
      }
    }
    case typeUrls.HTTPFault:
      return { kind: 'fault', fault: compileFault(context, at, readPart(context, at, readHTTPFault, any.value)) }
    case typeUrls.CorsPolicy:
      return { kind: 'cors', policy: compileCors(context, at, readPart(context, at, readCorsPolicy, any.value)) }
    case typeUrls.StatefulSessionPerRoute: {
      const perRoute = readPart(context, at, readStatefulSessionPerRoute, any.value)
      const { statefulSession } = perRoute
      const session =
        statefulSession === undefined ? undefined : compileSession(context, `${at}.stateful_session`, statefulSession)
      return session === undefined ? { kind: 'disabled' } : { kind: 'session', session }
    }
    case typeUrls.DynamicForwardProxyPerRoute: {
      const rewrite = readPart(context, at, readDynamicForwardProxyPerRoute, any.value)
      const header = rewrite.hostRewriteHeader?.toLowerCase() || undefined
      return { kind: 'dynamic-host', literal: rewrite.hostRewriteLiteral || undefined, header }
    }
    default:
      if (context.options.keepsUnknown !== undefined) return { kind: 'unknown' }
      if (!optional) return refuse(at, `no filter takes ${any.typeUrl}`)
      context.unlisted.push(`${at}: ${any.typeUrl}`)
      return undefined
  }
}
