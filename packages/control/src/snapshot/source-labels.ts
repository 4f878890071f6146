import type { VirtualServiceSpec } from '@weft/resources'

/** Label keys that rules ask of their callers, sorted. */
export function sourceLabelKeys(virtualServices: readonly { readonly spec: VirtualServiceSpec }[]): string[] {
  const matches = virtualServices
    .flatMap(({ spec }) => [...spec.http, ...spec.tls, ...spec.tcp])
    .flatMap((rule) => rule.match ?? [])
  return [...new Set(matches.flatMap((match) => Object.keys(match.sourceLabels ?? {})))].sort()
}
