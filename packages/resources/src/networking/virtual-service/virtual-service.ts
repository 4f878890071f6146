// The kind VirtualService (networking.istio.io).
import { defineKind, type Written } from '../../kind-definition.ts'
import { virtualServiceSchema } from './schema.ts'
import type { HttpRoute, TcpRoute, TlsRoute, VirtualServiceSpec } from './types.ts'

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

function httpDefaults(rule: Written<HttpRoute>): HttpRoute {
  const { route, redirect, fault } = rule
  return {
    ...rule,
    ...(route === undefined ? {} : { route: weigh(route) }),
    ...(redirect === undefined ? {} : { redirect: { ...redirect, redirectCode: redirect.redirectCode ?? 301 } }),
    ...(fault === undefined ? {} : { fault: faultDefaults(fault) }),
  } as HttpRoute
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
