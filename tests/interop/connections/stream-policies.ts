// PeerAuthentication of `target`, and AuthorizationPolicies about connections to it and to the gateway.
import { type MeshObjectYaml, object } from '../differential/mesh-object-yaml.ts'
import type { SeededRandom } from '../differential/seeded-random.ts'
import type { Yaml } from './stream-rules.ts'
import { gatewayPorts, principals, sourceRanges, type StreamPorts } from './stream-vocabulary.ts'

const modes = ['PERMISSIVE', 'PERMISSIVE', 'PERMISSIVE', 'STRICT', 'DISABLE'] as const

/** What policies of one workload may speak of. */
interface PolicyWords {
  readonly app: string
  readonly ports: readonly number[]
  readonly names: readonly string[]
}

/** Modes by port, and up to three policies for `target` and two for the gateway. */
export function streamPolicies(random: SeededRandom, ports: StreamPorts): readonly MeshObjectYaml[] {
  const target = { app: 'target', ports: [ports.tcp, ports.tls], names: ['*.example', 'outbound_.*', '*'] }
  const gateway = {
    app: 'gateway',
    ports: Object.values(gatewayPorts),
    names: ['*.shop.example', 'alpha.example', 'outbound_.*'],
  }
  return [
    object('security.istio.io/v1', 'PeerAuthentication', 'target', {
      selector: { matchLabels: { app: 'target' } },
      mtls: { mode: random.pick(modes) },
      ...(random.chance(0.5) ? { portLevelMtls: { [ports.tls]: { mode: random.pick(modes) } } } : {}),
    }),
    ...policiesFor(random, target, random.pick([0, 1, 1, 2, 3])),
    ...policiesFor(random, gateway, random.pick([0, 0, 1, 2])),
  ]
}

function policiesFor(random: SeededRandom, words: PolicyWords, number: number): readonly MeshObjectYaml[] {
  return Array.from({ length: number }, (_, index) => {
    const action = random.pick(['ALLOW', 'DENY'])
    return object('security.istio.io/v1', 'AuthorizationPolicy', `${words.app}-${index}`, {
      selector: { matchLabels: { app: words.app } },
      action,
      rules: Array.from({ length: 1 + random.int(3) }, () => rule(random, words)),
    })
  })
}

function rule(random: SeededRandom, words: PolicyWords): Yaml {
  const made = {
    ...(random.chance(0.6) ? { from: [source(random)] } : {}),
    ...(random.chance(0.5) ? { to: [operation(random, words)] } : {}),
    ...(random.chance(0.35) ? { when: [condition(random, words)] } : {}),
  }
  return Object.keys(made).length === 0 ? { from: [source(random)] } : made
}

function member(random: SeededRandom, name: string, values: readonly (string | number)[]): Yaml {
  const negative = `not${name.charAt(0).toUpperCase()}${name.slice(1)}`
  return { [random.chance(0.25) ? negative : name]: random.some(values, 1, 2).map(String) }
}

function source(random: SeededRandom): Yaml {
  const [name, values] = random.pick([
    ['principals', principals],
    ['principals', principals],
    ['namespaces', ['default', 'other', 'def*', '*']],
    ['serviceAccounts', ['client', 'other/client', 'target']],
    ['ipBlocks', sourceRanges],
  ] as const)
  return { source: member(random, name, values) }
}

/** Sometimes of requests, too, which a connection is not. */
function operation(random: SeededRandom, { ports }: PolicyWords): Yaml {
  return {
    operation: { ...member(random, 'ports', ports), ...(random.chance(0.1) ? { methods: ['GET'] } : {}) },
  }
}

function condition(random: SeededRandom, { ports, names }: PolicyWords): Yaml {
  const [key, values] = random.pick([
    ['destination.port', ports.map(String)],
    ['source.ip', sourceRanges],
    ['source.principal', principals],
    ['source.namespace', ['default', 'other', '*']],
    ['connection.sni', names],
  ] as const)
  return { key, [random.chance(0.25) ? 'notValues' : 'values']: random.some(values, 1, 2) }
}
