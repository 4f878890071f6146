// VirtualServices that leave some requests to others: their rules as one list, as Istio merges them.
import { originOf, type Origin } from '@weft/core'
import {
  contentHash,
  type Destination,
  type HttpMatchRequest,
  type HttpRoute,
  isVisible,
  resolveHost,
  type StringMatch,
  type VirtualServiceSpec,
} from '@weft/resources'
import type { SnapshotObject } from './mesh-snapshot.ts'

type VirtualService = SnapshotObject<VirtualServiceSpec>

/** A VirtualService whose rules may come from others. */
export interface MergedVirtualService extends VirtualService {
  /** Where each of `spec.http` was written, when not at its index in this object. */
  readonly ruleOrigins?: readonly Origin[]
  /** Rules that ask for a delegate that is not there, or whose requests no rule of it can match. */
  readonly lost?: readonly LostRule[]
}

interface LostRule {
  readonly origin: Origin
  /** The rule that leaves fewer requests than this one asks for. */
  readonly by?: Origin
  readonly detail: string
}

/** Whether any rule leaves its requests to another VirtualService. */
export function delegates(virtualService: VirtualService): boolean {
  return virtualService.spec.http.some(({ delegate }) => delegate !== undefined)
}

/** Replaces each delegating rule by the rules of its delegate; `find` looks one up by namespace and name. */
export function mergeDelegates(
  root: VirtualService,
  find: (namespace: string, name: string) => VirtualService | undefined,
): MergedVirtualService {
  if (!delegates(root)) return root
  const rules: { rule: HttpRoute; origin: Origin }[] = []
  const lost: LostRule[] = []
  const hashes = [root.hash]
  for (const [index, rule] of root.spec.http.entries()) {
    const origin = originOf(root.id, `spec.http[${index}]`)
    const { delegate } = rule
    if (delegate === undefined) {
      rules.push({ rule, origin })
      continue
    }
    const namespace = delegate.namespace ?? root.id.namespace
    const found = find(namespace, delegate.name)
    const seen = found !== undefined && isVisible(found.spec.exportTo, namespace, root.id.namespace)
    if (found === undefined || !seen || found.spec.hosts.length > 0) {
      const detail = `there is no VirtualService ${namespace}/${delegate.name} without hosts that it may delegate to`
      lost.push({ origin, detail })
      continue
    }
    hashes.push(found.hash)
    for (const [position, own] of found.spec.http.entries()) {
      const ownOrigin = originOf(found.id, `spec.http[${position}]`)
      const merged = mergeRule(rule, own, namespace)
      if (merged !== undefined) rules.push({ rule: merged, origin: ownOrigin })
      else lost.push({ origin: ownOrigin, by: origin, detail: `its conditions go beyond those of ${origin}` })
    }
  }
  return {
    ...root,
    hash: contentHash(hashes),
    spec: { ...root.spec, http: rules.map(({ rule }) => rule) },
    ruleOrigins: rules.map(({ origin }) => origin),
    lost,
  }
}

/** The delegate's own settings come first; names are joined, and hosts keep the namespace they were written in. */
function mergeRule(root: HttpRoute, own: HttpRoute, namespace: string): HttpRoute | undefined {
  const match = mergeMatches(root.match, own.match)
  if (match === 'conflict') return undefined
  const { delegate: _, match: _match, route: _route, ...inherited } = root
  const { match: _own, route, mirror, mirrors, ...rest } = own
  const inNamespace = <Arm extends { readonly destination: Destination }>(arm: Arm): Arm => ({
    ...arm,
    destination: { ...arm.destination, host: resolveHost(arm.destination.host, namespace) },
  })
  const name = [root.name, own.name].filter((part) => part !== undefined).join('-')
  return {
    ...inherited,
    ...rest,
    ...(name === '' ? {} : { name }),
    ...(match === undefined ? {} : { match }),
    ...(route === undefined ? {} : { route: route.map(inNamespace) }),
    ...(mirror === undefined ? {} : { mirror: { ...mirror, host: resolveHost(mirror.host, namespace) } }),
    ...(mirrors === undefined ? {} : { mirrors: mirrors.map(inNamespace) }),
  }
}

type Matches = readonly HttpMatchRequest[] | undefined

/** Each condition of the delegate must lie within one of the root's. */
function mergeMatches(root: Matches, own: Matches): Matches | 'conflict' {
  if (root === undefined || root.length === 0) return own
  if (own === undefined || own.length === 0) return root
  const merged: HttpMatchRequest[] = []
  for (const inner of own) {
    const within = root.filter((outer) => !conflicts(outer, inner))
    if (within.length === 0) return 'conflict'
    merged.push(...within.map((outer) => mergeMatch(outer, inner)))
  }
  return merged
}

function mergeMatch(outer: HttpMatchRequest, inner: HttpMatchRequest): HttpMatchRequest {
  const name = [outer.name, inner.name].filter((part) => part !== undefined).join('-')
  const maps = (['headers', 'withoutHeaders', 'queryParams'] as const).flatMap((field) =>
    outer[field] === undefined && inner[field] === undefined
      ? []
      : [[field, { ...outer[field], ...inner[field] }] as const],
  )
  return { ...outer, ...inner, ...Object.fromEntries(maps), ...(name === '' ? {} : { name }) }
}

function conflicts(outer: HttpMatchRequest, inner: HttpMatchRequest): boolean {
  const single = (['uri', 'scheme', 'method', 'authority'] as const).some((field) =>
    goesBeyond(outer[field], inner[field]),
  )
  const keyed = (['headers', 'withoutHeaders', 'queryParams'] as const).some((field) =>
    Object.entries(inner[field] ?? {}).some(([key, match]) => goesBeyond(outer[field]?.[key], match)),
  )
  const cased = outer.uri !== undefined && (outer.ignoreUriCase ?? false) !== (inner.ignoreUriCase ?? false)
  const ported = outer.port !== undefined && inner.port !== undefined && outer.port !== inner.port
  return single || keyed || cased || ported
}

/** Whether `inner` may match what `outer` does not. Expressions are not compared: beside one there must be nothing. */
function goesBeyond(outer: StringMatch | undefined, inner: StringMatch | undefined): boolean {
  if (outer === undefined || inner === undefined) return false
  if (outer.regex !== undefined || inner.regex !== undefined) return true
  if (outer.exact !== undefined) return inner.exact !== outer.exact
  if (outer.prefix !== undefined) return !(inner.exact ?? inner.prefix ?? '').startsWith(outer.prefix)
  return false
}
