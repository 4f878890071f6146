// The kind VirtualService (networking.istio.io).
import { defineKind, type Written } from '../../kind-definition.ts'
import { virtualServiceSchema } from './schema.ts'
import type { CorsPolicy, HttpRoute, TcpRoute, TlsRoute, VirtualServiceSpec } from './types.ts'

/** Istio's VirtualService. */
export const virtualServiceKind = defineKind({
  kind: 'VirtualService',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  spec: virtualServiceSchema,
  withDefaults: (spec) => ({
    hosts: (spec.hosts ?? []) as readonly string[],
    gateways: (spec.gateways ?? ['mesh']) as readonly string[],
    http: (spec.http ?? []).map(httpDefaults),
    tls: (spec.tls ?? []).map((rule) => ({ ...rule, route: weigh(rule.route) }) as TlsRoute),
    tcp: (spec.tcp ?? []).map((rule) => ({ ...rule, route: weigh(rule.route) }) as TcpRoute),
    exportTo: (spec.exportTo ?? ['*']) as VirtualServiceSpec['exportTo'],
  }),
})

function httpDefaults(written: Written<HttpRoute> & WrittenMirrors): HttpRoute {
  const { mirrorPercentage, mirrorPercent, mirror_percent, corsPolicy, ...rule } = written
  const { route, redirect, fault, mirror, mirrors } = rule
  const share = mirrorPercentage ?? { value: mirrorPercent ?? mirror_percent ?? 100 }
  const copies = mirrors?.map((each) => ({ ...each, percentage: each.percentage ?? { value: 100 } }))
  return {
    ...rule,
    ...(mirror === undefined ? {} : { mirrorPercentage: share }),
    ...(copies === undefined ? {} : { mirrors: copies }),
    ...(corsPolicy === undefined ? {} : { corsPolicy: corsDefaults(corsPolicy) }),
    ...(route === undefined ? {} : { route: weigh(route) }),
    ...(redirect === undefined ? {} : { redirect: { ...redirect, redirectCode: redirect.redirectCode ?? 301 } }),
    ...(fault === undefined ? {} : { fault: faultDefaults(fault) }),
  } as HttpRoute
}

interface WrittenMirrors {
  readonly mirrorPercent?: number
  readonly mirror_percent?: number
}

function corsDefaults({
  allowOrigin = [],
  ...written
}: Written<CorsPolicy> & { readonly allowOrigin?: readonly string[] }): object {
  const origins = written.allowOrigins ?? []
  return { ...written, allowOrigins: origins.length > 0 ? origins : allowOrigin.map((exact) => ({ exact })) }
}

/** A single destination gets everything; among several, one without a weight gets nothing (as in Istio). */
function weigh<Arm extends { readonly weight?: number | undefined }>(arms: readonly Arm[] = []): readonly Arm[] {
  if (arms.length === 1)
    return arms.map((arm) => ({ ...arm, weight: arm.weight === undefined || arm.weight === 0 ? 100 : arm.weight }))
  return arms.map((arm) => ({ ...arm, weight: arm.weight ?? 0 }))
}

function faultDefaults({ delay, abort }: Written<NonNullable<HttpRoute['fault']>>): object {
  return {
    ...(delay === undefined ? {} : { delay: withPercentage(delay) }),
    ...(abort === undefined ? {} : { abort: withPercentage(abort) }),
  }
}

interface WrittenShare {
  readonly percentage?: object | undefined
  /** The old form, in whole percent. */
  readonly percent?: number | undefined
}

function withPercentage<Fault extends object>({ percent, ...fault }: Fault & WrittenShare): object {
  return { ...fault, percentage: fault.percentage ?? { value: percent ?? 0 } }
}
