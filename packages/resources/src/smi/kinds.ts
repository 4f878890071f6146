// The kinds of the Service Mesh Interface, with all versions that were published.
import { defineKind } from '../kind-definition.ts'
import type { Pending } from '../schema/schema.ts'
import { quantity } from './quantity.ts'
import {
  emptySmiRouteSchema,
  httpRouteGroupSchema,
  smiPortsSchema,
  trafficSplitSchema,
  trafficSplitSchema1,
  trafficSplitSchema2,
  trafficTargetSchema,
  trafficTargetSchema1,
  trafficTargetSchema2,
} from './schema.ts'
import type { HTTPRouteGroupSpec, SmiHttpMatch, SmiPortsSpec, TrafficSplitSpec, TrafficTargetSpec } from './types.ts'

const pending: Pending = {
  effect: 'datagrams are not authorized',
  proxies: 'all',
}

interface WrittenMatch extends Omit<SmiHttpMatch, 'headers'> {
  readonly headers?: Readonly<Record<string, string>> | readonly Readonly<Record<string, string>>[]
}

function matchOf({ headers = {}, ...match }: WrittenMatch): SmiHttpMatch {
  return { ...match, headers: Array.isArray(headers) ? Object.assign({}, ...headers) : headers } as SmiHttpMatch
}

function portsOf(written: unknown): SmiPortsSpec {
  return { ports: (written as { readonly matches?: SmiPortsSpec }).matches?.ports ?? [] }
}

interface WrittenTarget extends Partial<TrafficTargetSpec> {
  readonly specs?: TrafficTargetSpec['rules']
}

function targetOf({ destination, sources = [], rules, specs }: WrittenTarget): TrafficTargetSpec {
  const { port, ...identity } = destination as TrafficTargetSpec['destination']
  return {
    destination: { ...identity, ...(port === undefined ? {} : { port: Number(port) }) },
    sources,
    rules: rules ?? specs ?? [],
  }
}

interface WrittenSplit {
  readonly service: string
  readonly matches?: TrafficSplitSpec['matches']
  readonly backends: readonly { readonly service: string; readonly weight: string | number }[]
}

/** Weights of v1alpha1 may be fractions: thousandths of them are whole enough. */
function splitOf({ service, matches = [], backends }: WrittenSplit, version: string): TrafficSplitSpec {
  const factor = version === 'v1alpha1' ? 1000 : 1
  const weighted = backends.map((each) => ({
    service: each.service,
    weight: Math.min(1_000_000, Math.round((quantity(each.weight) ?? 0) * factor)),
  }))
  return { service, matches, backends: weighted }
}

/** The kinds by name. */
export const smiKinds = {
  TrafficTarget: defineKind({
    kind: 'TrafficTarget',
    versions: ['v1alpha3', 'v1alpha2', 'v1alpha1'],
    names: ['traffictargets', 'tt'],
    description: 'Who may call whom, and what.',
    spec: trafficTargetSchema,
    older: { v1alpha2: { spec: trafficTargetSchema2 }, v1alpha1: { spec: trafficTargetSchema1, root: 'top' } },
    withDefaults: (written) => targetOf(written as WrittenTarget),
  }),
  HTTPRouteGroup: defineKind({
    kind: 'HTTPRouteGroup',
    versions: ['v1alpha4', 'v1alpha3', 'v1alpha2', 'v1alpha1'],
    names: ['httproutegroups', 'htr'],
    description: 'Requests by name, for TrafficTarget and TrafficSplit.',
    spec: httpRouteGroupSchema,
    older: {
      v1alpha2: { spec: { ...httpRouteGroupSchema }, root: 'top' },
      v1alpha1: { spec: { ...httpRouteGroupSchema }, root: 'top' },
    },
    withDefaults: (written) => ({
      matches: ((written as HTTPRouteGroupSpec).matches as unknown as readonly WrittenMatch[]).map(matchOf),
    }),
  }),
  SMITCPRoute: defineKind({
    kind: 'SMITCPRoute',
    versions: ['v1alpha4', 'v1alpha3', 'v1alpha2', 'v1alpha1'],
    names: ['tcproutes', 'tr'],
    description: 'Ports, for TrafficTarget.',
    spec: smiPortsSchema,
    older: {
      v1alpha3: { spec: emptySmiRouteSchema },
      v1alpha2: { spec: emptySmiRouteSchema },
      v1alpha1: { spec: emptySmiRouteSchema },
    },
    withDefaults: portsOf,
  }),
  SMIUDPRoute: defineKind({
    kind: 'SMIUDPRoute',
    versions: ['v1alpha4'],
    names: ['udproutes', 'ur'],
    description: 'Ports, for TrafficTarget.',
    spec: smiPortsSchema,
    pending,
    withDefaults: portsOf,
  }),
  TrafficSplit: defineKind({
    kind: 'TrafficSplit',
    versions: ['v1alpha4', 'v1alpha3', 'v1alpha2', 'v1alpha1'],
    names: ['trafficsplits', 'ts'],
    description: 'Shares of the traffic of a Service.',
    spec: trafficSplitSchema,
    older: { v1alpha2: { spec: trafficSplitSchema2 }, v1alpha1: { spec: trafficSplitSchema1 } },
    withDefaults: (written, version) => splitOf(written as WrittenSplit, version),
  }),
}
