// A mesh as YAML: Services with versions, VirtualServices for the sidecar `client` and the gateway, policies in front of
// `target`. Every answer is decided by the request alone: percentages and weights are 0 or 100.
import { stringify } from 'yaml'
import type { SeededRandom } from './seeded-random.ts'
import { headerChanges } from './generate-actions.ts'
import { generateGatewayApi } from './generate-gateway-api.ts'
import { generateHttpRules, type Yaml } from './generate-http-rules.ts'
import { generatePolicies } from './generate-policies.ts'
import { type MeshObjectYaml, object, versionHeader, versionHost } from './mesh-object-yaml.ts'
import { cookieName, foreignHosts, outsideHost, outsideWildcard, queryNames, serviceNames } from './vocabulary.ts'

/** A generated mesh. */
export interface GeneratedMesh {
  readonly yaml: string
  /** Names of the Services that rules may send to. */
  readonly services: readonly string[]
  /** Hosts that a client may ask for; wildcards are filled in by requests. */
  readonly meshHosts: readonly string[]
  readonly gatewayHosts: readonly string[]
  readonly edgeHosts: readonly string[]
  readonly subsets: ReadonlyMap<string, readonly string[]>
}

/** What a mesh is made with. */
export interface MeshOptions {
  /** Shown by the host `version.test`, so that a proxy can be asked whether it serves this mesh yet. */
  readonly version: number
  /** Port of applications and of the gateway. */
  readonly port: number
  /** The third octet of all addresses. */
  readonly octet: number
}

/** Where what the ServiceEntries name is served. */
export function outsideAddresses(octet: number): readonly string[] {
  return [1, 2, 3, 4].map((last) => `127.70.${octet}.${last}`)
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
  const objects: MeshObjectYaml[] = [pathNormalization(random)]
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
  const free: string[] = []
  for (const host of services) {
    if (random.chance(0.4)) {
      free.push(host)
      continue
    }
    const rules = generateHttpRules(random, { services, subsets, host })
    objects.push(...virtualServices(random, `${host}-rules`, { hosts: [host], gateways: ['mesh'], http: rules }))
  }
  for (const [index, host] of random.some([...foreignHosts, 'alpha.test', '*'], 1, 4).entries()) {
    const rules = generateHttpRules(random, { services, subsets, host })
    const gateways = host === '*' ? ['door'] : random.pick([['door'], ['mesh', 'door'], ['mesh']])
    objects.push(...virtualServices(random, `foreign-${index}`, { hosts: [host], gateways, http: rules }))
    if (gateways.includes('mesh')) meshHosts.push(host)
    if (gateways.includes('door')) gatewayHosts.push(host)
  }
  for (const [index, host] of [outsideHost, outsideWildcard].entries()) {
    const addresses = outsideAddresses(options.octet).slice(index * 2, index * 2 + 2)
    objects.push(serviceEntry(`outside-${index}`, host, addresses, options.port))
    meshHosts.push(host)
    if (!random.chance(0.5)) continue
    const rules = generateHttpRules(random, { services: [...services, outsideHost], subsets, host })
    objects.push(
      ...virtualServices(random, `outside-${index}-rules`, { hosts: [host], gateways: ['mesh'], http: rules }),
    )
  }
  const edge = generateGatewayApi(random, { services, free, ...options })
  objects.push(...edge.objects, ...generatePolicies(random, options.version))
  return {
    yaml: objects.map((one) => stringify(one, { aliasDuplicateObjects: false })).join('---\n'),
    services,
    meshHosts: [...services, ...meshHosts],
    gatewayHosts,
    edgeHosts: edge.hosts,
    subsets,
  }
}

/** Something outside the mesh. */
function serviceEntry(name: string, host: string, addresses: readonly string[], targetPort: number): MeshObjectYaml {
  return object('networking.istio.io/v1', 'ServiceEntry', name, {
    hosts: [host],
    location: 'MESH_EXTERNAL',
    resolution: 'STATIC',
    ports: [{ number: 80, name: 'http', protocol: 'HTTP', targetPort }],
    endpoints: addresses.map((address) => ({ address })),
  })
}

/** How much of a path is made equal before anybody looks at it. */
function pathNormalization(random: SeededRandom): MeshObjectYaml {
  const normalization = random.pick(['DEFAULT', 'BASE', 'NONE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'])
  const mesh = stringify({ pathNormalization: { normalization } })
  const metadata = { name: 'istio', namespace: 'istio-system' }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { mesh } }
}

interface VirtualServiceParts {
  readonly hosts: string[]
  readonly gateways: string[]
  readonly http: readonly Yaml[]
}

/** A VirtualService, some of whose rules may stand in a delegate. */
function virtualServices(
  random: SeededRandom,
  name: string,
  { hosts, gateways, http }: VirtualServiceParts,
): readonly MeshObjectYaml[] {
  const whole = virtualService(name, hosts, gateways, http)
  if (!random.chance(0.2)) return [whole]
  const at = random.int(http.length)
  const delegated = http.slice(at).filter((rule) => !('redirect' in rule || 'directResponse' in rule))
  if (delegated.length === 0) return [whole]
  const root: Yaml = {
    name: 'root',
    ...(random.chance(0.7) ? { match: [{ uri: { prefix: random.pick(['/', '/b', '/api', '/books']) } }] } : {}),
    delegate: { name: `${name}-more` },
    ...(random.chance(0.3) ? { headers: headerChanges(random) } : {}),
  }
  return [
    virtualService(name, hosts, gateways, [...http.slice(0, at), root]),
    object('networking.istio.io/v1', 'VirtualService', `${name}-more`, { http: delegated }),
  ]
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
  const replicas = random.chance(0.5) ? { replicas: 2 } : {}
  const tls = random.chance(0.5) ? { tls: { mode: 'DISABLE' } } : {}
  const policy = {
    ...tls,
    ...(random.chance(0.85) ? { loadBalancer: { consistentHash: consistentHash(random) } } : {}),
  }
  const trafficPolicy = Object.keys(policy).length === 0 ? {} : { trafficPolicy: policy }
  return [
    object('v1', 'Service', name, { selector: { app: name }, ports }),
    ...versions.map((version) =>
      workload(
        name,
        `${name}-${version}`,
        { proxy: 'none', command: ['true'], ports: [{ name: 'http', port: targetPort }], ...replicas },
        version,
      ),
    ),
    ...(subsets.length === 0 && Object.keys(policy).length === 0
      ? []
      : [
          object('networking.istio.io/v1', 'DestinationRule', name, {
            host: name,
            ...trafficPolicy,
            subsets: subsets.map((version) => ({ name: version, labels: { version } })),
          }),
        ]),
  ]
}

/** Something that requests carry, and how it is spread. */
function consistentHash(random: SeededRandom): Yaml {
  const of = random.pick<Yaml>([
    { httpHeaderName: random.pick(['x-user', 'x-flavor']) },
    { httpCookie: { name: cookieName, ...(random.chance(0.4) ? { ttl: random.pick(['0s', '60s']), path: '/' } : {}) } },
    { httpQueryParameterName: random.pick(queryNames) },
    { useSourceIp: true },
  ])
  const how = random.pick<Yaml>([
    {},
    { ringHash: { minimumRingSize: random.pick([7, 64, 1024]) } },
    { maglev: random.chance(0.5) ? { tableSize: random.pick([11, 251, 65_537]) } : {} },
  ])
  return { ...of, ...how }
}
