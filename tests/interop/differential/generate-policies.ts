// PeerAuthentication and AuthorizationPolicies in front of the workload `target`.
import { type MeshObjectYaml, object, versionHeader, versionHost } from './mesh-object-yaml.ts'
import type { SeededRandom } from './seeded-random.ts'
import { headerValues, methods, paths } from './vocabulary.ts'

type Yaml = Readonly<Record<string, unknown>>

const pathPatterns = [...paths, '/books*', '/api/*', '*.css', '*', '/adm*', '*books', '/books/1*']
const methodPatterns = [...new Set<string>(methods), 'P*', '*']
const hostPatterns = ['target', 'target.default', 'TARGET', '*.example.com', 'target*', '*', 'target:80']
const principalPatterns = [
  'cluster.local/ns/default/sa/client',
  'cluster.local/ns/default/*',
  '*/sa/client',
  '*',
  'cluster.local/ns/default/sa/client*',
]
const namespacePatterns = ['default', 'other', 'def*', '*', '*ther']
const accounts = ['client', 'gateway', 'other/client', 'default/client2']
const addressBlocks = ['127.0.0.0/8', '127.0.0.1', '127.0.0.0/30', '127.1.0.0/16', '10.0.0.0/8', '0.0.0.0/0']

/** Up to three policies, the mTLS mode, the policy by which the version shows, and sometimes one for the gateway. */
export function generatePolicies(random: SeededRandom, version: number): readonly MeshObjectYaml[] {
  const count = random.int(4)
  const policies = Array.from({ length: count }, (_, index) => ({
    action: random.pick(['ALLOW', 'DENY']),
    name: `policy-${index}`,
  })).map(({ action, name }) =>
    policy(name, action, random.chance(0.06) ? [] : Array.from({ length: 1 + random.int(3) }, () => rule(random))),
  )
  return [
    object('security.istio.io/v1', 'PeerAuthentication', 'default', {
      mtls: { mode: random.pick(['PERMISSIVE', 'PERMISSIVE', 'PERMISSIVE', 'STRICT']) },
    }),
    policy('a-version', 'DENY', [{ when: [{ key: `request.headers[${versionHeader}]`, values: [String(version)] }] }]),
    ...policies,
    ...(random.chance(0.4) ? [atGateway(random)] : []),
  ]
}

/** What the gateway denies, but for the host by which the version shows. */
function atGateway(random: SeededRandom): MeshObjectYaml {
  const rules = Array.from({ length: 1 + random.int(2) }, () => {
    const { to = [{ operation: {} }], ...rest } = rule(random) as {
      readonly to?: readonly { readonly operation: Yaml }[]
    }
    return { ...rest, to: to.map(({ operation }) => ({ operation: { ...operation, notHosts: [versionHost] } })) }
  })
  return policy('at-the-gateway', 'DENY', rules, 'gateway')
}

function policy(name: string, action: string, rules: readonly unknown[], app = 'target'): MeshObjectYaml {
  return object('security.istio.io/v1', 'AuthorizationPolicy', name, {
    selector: { matchLabels: { app } },
    action,
    // DENY without rules denies nothing and is refused by some validators.
    rules: action === 'DENY' && rules.length === 0 ? [{}] : rules,
  })
}

function rule(random: SeededRandom): Yaml {
  const made = {
    ...(random.chance(0.5) ? { from: sources(random) } : {}),
    ...(random.chance(0.7) ? { to: operations(random) } : {}),
    ...(random.chance(0.35) ? { when: conditions(random) } : {}),
  }
  return Object.keys(made).length === 0 ? { to: operations(random) } : made
}

function member(random: SeededRandom, name: string, values: readonly string[]): Yaml {
  const negative = `not${name.charAt(0).toUpperCase()}${name.slice(1)}`
  return { [random.chance(0.25) ? negative : name]: random.some(values, 1, 2) }
}

function sources(random: SeededRandom): readonly Yaml[] {
  return Array.from({ length: 1 + random.int(2) }, () => {
    const [name, values] = random.pick([
      ['principals', principalPatterns],
      ['namespaces', namespacePatterns],
      ['serviceAccounts', accounts],
      ['ipBlocks', addressBlocks],
    ] as const)
    return { source: member(random, name, values) }
  })
}

function operations(random: SeededRandom): readonly Yaml[] {
  return Array.from({ length: 1 + random.int(2) }, () => {
    const operation = {
      ...(random.chance(0.6) ? member(random, 'paths', pathPatterns) : {}),
      ...(random.chance(0.4) ? member(random, 'methods', methodPatterns) : {}),
      ...(random.chance(0.2) ? member(random, 'hosts', hostPatterns) : {}),
    }
    return { operation: Object.keys(operation).length === 0 ? member(random, 'paths', pathPatterns) : operation }
  })
}

function conditions(random: SeededRandom): readonly Yaml[] {
  const [key, values] = random.pick([
    ['request.headers[x-user]', [...headerValues.filter((value) => value !== ''), 'jas*', '*on', '*']],
    ['request.headers[X-Flavor]', ['jason', '*', 'a*']],
    ['source.principal', principalPatterns],
    ['source.namespace', namespacePatterns],
    ['source.ip', addressBlocks],
    ['connection.sni', ['target', '*.test', '*']],
  ] as const)
  return [{ key, [random.chance(0.25) ? 'notValues' : 'values']: random.some(values, 1, 2) }]
}
