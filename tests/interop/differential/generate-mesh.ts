// A mesh as YAML: Services with versions, VirtualServices for the sidecar `client` and the gateway, policies in front of
// `target`. Every answer is decided by the request alone: percentages and weights are 0 or 100.
import { stringify } from 'yaml'
import type { SeededRandom } from './seeded-random.ts'
import { generateHttpRules } from './generate-http-rules.ts'
import { generatePolicies } from './generate-policies.ts'
import { type MeshObjectYaml, object, versionHeader, versionHost } from './mesh-object-yaml.ts'
import { foreignHosts, serviceNames } from './vocabulary.ts'

/** A generated mesh. */
export interface GeneratedMesh {
  readonly yaml: string
  /** Names of the Services that rules may send to. */
  readonly services: readonly string[]
  /** Hosts that a client may ask for; wildcards are filled in by requests. */
  readonly meshHosts: readonly string[]
  readonly gatewayHosts: readonly string[]
  readonly subsets: ReadonlyMap<string, readonly string[]>
}

/** What a mesh is made with. */
export interface MeshOptions {
  /** Shown by the host `version.test`, so that a proxy can be asked whether it serves this mesh yet. */
  readonly version: number
  /** Port of applications and of the gateway. */
  readonly port: number
}

/** Makes a mesh. */
export function generateMesh(random: SeededRandom, options: MeshOptions): GeneratedMesh {
  const services = random.some(serviceNames, 2, 4)
  const subsets = new Map(services.map((name) => [name, random.pick([['v1', 'v2'], ['v1', 'v2'], ['v1'], []])]))
  const gatewayServers = random.pick([
    ['*'],
    ['*.example.com', 'alpha.test', versionHost],
    ['default/*', 'shop.example.com'],
  ])
  const objects: MeshObjectYaml[] = []
  for (const name of services) objects.push(...service(random, name, subsets.get(name) ?? [], options.port))
  objects.push(
    workload('client', 'client', { proxy: 'sidecar', command: ['true'] }),
    workload('gateway', 'gateway', { proxy: 'gateway' }),
    workload('target', 'target', {
      proxy: 'sidecar',
      command: ['true'],
      ports: [{ name: 'http', port: options.port }],
    }),
    object('v1', 'Service', 'target', {
      selector: { app: 'target' },
      ports: [{ name: 'http', port: 80, targetPort: options.port }],
    }),
    object('networking.istio.io/v1', 'Gateway', 'door', {
      selector: { app: 'gateway' },
      servers: [{ port: { number: options.port, name: 'http', protocol: 'HTTP' }, hosts: gatewayServers }],
    }),
    virtualService(
      'a-version',
      [versionHost],
      ['mesh', 'door'],
      [
        {
          name: 'version',
          // With a condition: what holds for all requests of a host comes last at a gateway, behind the conditions of other rules for it.
          match: [{ headers: { [versionHeader]: { exact: String(options.version) } } }],
          directResponse: { status: 200, body: { string: String(options.version) } },
        },
      ],
    ),
  )
  const meshHosts: string[] = []
  const gatewayHosts: string[] = []
  for (const host of services) {
    if (!random.chance(0.8)) continue
    const rules = generateHttpRules(random, { services, subsets, host })
    objects.push(virtualService(`${host}-rules`, [host], ['mesh'], rules))
  }
  for (const [index, host] of random.some([...foreignHosts, 'alpha.test', '*'], 1, 4).entries()) {
    const rules = generateHttpRules(random, { services, subsets, host })
    const gateways = host === '*' ? ['door'] : random.pick([['door'], ['mesh', 'door'], ['mesh']])
    objects.push(virtualService(`foreign-${index}`, [host], gateways, rules))
    if (gateways.includes('mesh')) meshHosts.push(host)
    if (gateways.includes('door')) gatewayHosts.push(host)
  }
  objects.push(...generatePolicies(random, options.version))
  return {
    yaml: objects.map((one) => stringify(one, { aliasDuplicateObjects: false })).join('---\n'),
    services,
    meshHosts: [...services, ...meshHosts],
    gatewayHosts,
    subsets,
  }
}

function virtualService(name: string, hosts: string[], gateways: string[], http: unknown): MeshObjectYaml {
  return object('networking.istio.io/v1', 'VirtualService', name, { hosts, gateways, http })
}

function workload(app: string, name: string, spec: object, version?: string): MeshObjectYaml {
  return {
    apiVersion: 'weft.dev/v1alpha1',
    kind: 'Workload',
    metadata: { name, namespace: 'default', labels: { app, ...(version === undefined ? {} : { version }) } },
    spec: { serviceAccount: app, ...spec },
  }
}

/** A Service, one workload per version (always `v1`, sometimes `v2`: a subset may be empty), and the DestinationRule. */
function service(
  random: SeededRandom,
  name: string,
  subsets: readonly string[],
  targetPort: number,
): readonly MeshObjectYaml[] {
  const versions = random.chance(0.8) ? ['v1', 'v2'] : ['v1']
  const ports = [{ name: 'http', port: 80, targetPort }]
  if (random.chance(0.4)) ports.push({ name: 'http-other', port: 8080, targetPort })
  const tls = random.chance(0.5) ? { trafficPolicy: { tls: { mode: 'DISABLE' } } } : {}
  return [
    object('v1', 'Service', name, { selector: { app: name }, ports }),
    ...versions.map((version) =>
      workload(
        name,
        `${name}-${version}`,
        { proxy: 'none', command: ['true'], ports: [{ name: 'http', port: targetPort }] },
        version,
      ),
    ),
    ...(subsets.length === 0
      ? []
      : [
          object('networking.istio.io/v1', 'DestinationRule', name, {
            host: name,
            ...tls,
            subsets: subsets.map((version) => ({ name: version, labels: { version } })),
          }),
        ]),
  ]
}
