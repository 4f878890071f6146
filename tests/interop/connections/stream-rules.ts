// Rules for connections in VirtualServices: by port, addresses, labels, gateways and server names.
import type { SeededRandom } from '../differential/seeded-random.ts'
import { plainServices, ruledNames, sourceRanges, type StreamPorts, streamServices } from './stream-vocabulary.ts'

export type Yaml = Readonly<Record<string, unknown>>

/** What rules are written for. */
export interface StreamRuleScope {
  readonly ports: StreamPorts
  readonly subsets: ReadonlyMap<string, readonly string[]>
  /** Where connections to it are made to; rules ask for these, or for others. */
  readonly destinations: readonly string[]
  /** Ports that a match may ask for. */
  readonly asked: readonly number[]
  /** Values of `gateways` in a match; empty: none is written. */
  readonly gateways: readonly string[]
  /** Hosts besides the Services of the mesh that rules may send to, and the port there. */
  readonly others?: readonly { readonly host: string; readonly port: number }[]
}

/** One to three `tcp` rules; the last often takes everything. */
export function tcpRules(random: SeededRandom, scope: StreamRuleScope): readonly Yaml[] {
  return rules(random, 3, (last) => ({
    ...(random.chance(last ? 0.6 : 0.05) ? {} : { match: matches(random, scope) }),
    route: route(random, scope),
  }))
}

/** One to four `tls` rules. `names`: what `sniHosts` are taken from. */
export function tlsRules(
  random: SeededRandom,
  scope: StreamRuleScope,
  names: readonly string[] = ruledNames,
): readonly Yaml[] {
  return rules(random, 4, () => ({
    match: Array.from({ length: 1 + random.int(2) }, () => ({
      sniHosts: random.some(names, 1, 2),
      ...(random.chance(0.4) ? door(random, scope) : {}),
    })),
    route: route(random, scope),
  }))
}

function rules(random: SeededRandom, most: number, make: (last: boolean) => Yaml): readonly Yaml[] {
  const count = 1 + random.int(most)
  return Array.from({ length: count }, (_, index) => make(index === count - 1))
}

function matches(random: SeededRandom, scope: StreamRuleScope): readonly Yaml[] {
  return Array.from({ length: 1 + random.int(2) }, () => ({
    ...door(random, scope),
    ...(random.chance(0.3) ? { sourceSubnet: random.pick(sourceRanges) } : {}),
  }))
}

/** What both kinds of matches may ask for; never nothing. */
function door(random: SeededRandom, scope: StreamRuleScope): Yaml {
  const inMesh = scope.gateways.length === 0
  const subnets = { destinationSubnets: random.some([...scope.destinations, '10.0.0.0/8'], 1, 2) }
  return {
    ...(random.chance(0.7) ? { port: random.pick([...scope.asked, ...scope.asked, 9]) } : subnets),
    ...(random.chance(0.2) ? subnets : {}),
    ...(inMesh && random.chance(0.25) ? { sourceLabels: { tier: random.pick(['front', 'front', 'back']) } } : {}),
    ...(inMesh && random.chance(0.15) ? { sourceNamespace: random.pick(['default', 'default', 'other']) } : {}),
    ...(!inMesh && random.chance(0.3) ? { gateways: [random.pick(scope.gateways)] } : {}),
  }
}

function route(random: SeededRandom, scope: StreamRuleScope): readonly Yaml[] {
  const split = random.chance(0.25)
  const first = random.pick([100, 50, 1])
  const legs = split ? [first, 100 - first] : [undefined]
  return legs.map((weight) => ({
    destination: destination(random, scope),
    ...(weight === undefined ? {} : { weight }),
  }))
}

function destination(random: SeededRandom, { ports, subsets, others = [] }: StreamRuleScope): Yaml {
  if (others.length > 0 && random.chance(0.3)) {
    const { host, port } = random.pick(others)
    return { host, port: { number: port } }
  }
  const host = random.pick([...plainServices, ...streamServices])
  const subset = random.pick([undefined, ...(subsets.get(host) ?? [])])
  return { host, port: { number: random.pick([ports.tcp, ports.tls]) }, ...(subset === undefined ? {} : { subset }) }
}
