// A mesh of connections as YAML: Services with versions, rules of the sidecar `client`, of gateways and of routes, ServiceEntries with
// addresses, policies in front of `target`.
import { stringify } from 'yaml'
import { type MeshObjectYaml, object } from '../differential/mesh-object-yaml.ts'
import type { SeededRandom } from '../differential/seeded-random.ts'
import { type DoorMaterial, gatewayApiDoor, istioDoor, serviceRoutes } from './stream-gateways.ts'
import { type OriginationFiles, origination } from './stream-origination.ts'
import { streamPolicies } from './stream-policies.ts'
import { type StreamRuleScope, tcpRules, tlsRules } from './stream-rules.ts'
import { gatewayPorts, outside, outsideAddresses, plainServices, type StreamPorts } from './stream-vocabulary.ts'

const istio = 'networking.istio.io/v1'

/** What a mesh is made with. */
export interface StreamMeshOptions {
  readonly ports: StreamPorts
  /** The third octet of all addresses. */
  readonly octet: number
  readonly material: DoorMaterial
  readonly files: OriginationFiles
}

/** Makes one. */
export function generateStreamMesh(random: SeededRandom, { ports, octet, material, files }: StreamMeshOptions): string {
  const places = outsideAddresses(octet)
  const subsets = new Map(plainServices.map((name) => [name as string, random.pick([['v1', 'v2'], ['v1'], []])]))
  const inMesh: StreamRuleScope = {
    ports,
    subsets,
    // Weft's proxies are bound a few addresses further (weft-arm.ts): ranges have both, or neither.
    destinations: ['127.64.0.0/10', '127.128.0.0/9', ...places.services],
    asked: [ports.tcp, ports.tls],
    gateways: [],
    others: [
      { host: outside.narrow, port: ports.tcp },
      { host: outside.named, port: ports.tls },
    ],
  }
  const atGateway: StreamRuleScope = {
    ...inMesh,
    destinations: ['127.64.0.0/10', '127.0.0.0/8', '127.128.0.0/9'],
    asked: [gatewayPorts.bytes, gatewayPorts.tls],
    gateways: ['door', 'door', 'mesh'],
  }
  const objects: MeshObjectYaml[] = [
    settings(random),
    workload('client', 'client', { proxy: 'sidecar', command: ['true'] }, { tier: 'front' }),
    workload('gateway', 'gateway', { proxy: 'gateway' }),
    ...plainServices.flatMap((name, index) =>
      service(random, name, {
        ports,
        clusterIP: places.services[index] ?? '',
        subsets: subsets.get(name) ?? [],
        files,
      }),
    ),
    ...target(random, { ports, clusterIP: places.services[plainServices.length] ?? '', files }),
    ...rulesOfServices(random, inMesh),
    ...serviceEntries(ports, octet),
    ...tlsOfEntries(random, files),
    ...rulesOfEntries(random, inMesh, octet),
    ...istioDoor(random, atGateway, material),
    ...gatewayApiDoor(random, ports),
    ...serviceRoutes(random, 'gamma', ports),
    ...streamPolicies(random, ports),
  ]
  return objects.map((one) => stringify(one, { aliasDuplicateObjects: false })).join('---\n')
}

function settings(random: SeededRandom): MeshObjectYaml {
  const mesh = stringify({ outboundTrafficPolicy: { mode: random.pick(['ALLOW_ANY', 'REGISTRY_ONLY']) } })
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'istio', namespace: 'istio-system' }, data: { mesh } }
}

function workload(
  app: string,
  name: string,
  spec: object,
  labels: Readonly<Record<string, string>> = {},
): MeshObjectYaml {
  return {
    apiVersion: 'weft.dev/v1alpha1',
    kind: 'Workload',
    metadata: { name, namespace: 'default', labels: { app, ...labels } },
    spec: { serviceAccount: app, ...spec },
  }
}

const named = ({ tcp, tls }: StreamPorts) => [
  { name: 'tcp', port: tcp },
  { name: 'tls', port: tls },
]

interface ServiceParts {
  readonly ports: StreamPorts
  readonly clusterIP: string
  readonly subsets: readonly string[]
  readonly files: OriginationFiles
}

/** A Service, one workload per version, and the DestinationRule. */
function service(
  random: SeededRandom,
  name: string,
  { ports, clusterIP, subsets, files }: ServiceParts,
): readonly MeshObjectYaml[] {
  const versions = random.chance(0.7) ? ['v1', 'v2'] : ['v1']
  const replicas = random.chance(0.4) ? { replicas: 2 } : {}
  const hash = { consistentHash: { useSourceIp: true, ...(random.chance(0.5) ? { maglev: {} } : {}) } }
  return [
    object('v1', 'Service', name, { selector: { app: name }, clusterIP, clusterIPs: [clusterIP], ports: named(ports) }),
    ...versions.map((version) =>
      workload(
        name,
        `${name}-${version}`,
        { proxy: 'none', command: ['true'], ports: named(ports), ...replicas },
        { version },
      ),
    ),
    object(istio, 'DestinationRule', name, {
      host: name,
      trafficPolicy: {
        ...(random.chance(0.5) ? { loadBalancer: hash } : {}),
        ...tlsOfAll(random, ports, files),
      },
      subsets: subsets.map((version) => ({
        name: version,
        labels: { version },
        ...(random.chance(0.2) ? { trafficPolicy: { tls: origination(random, files) } } : {}),
      })),
    }),
  ]
}

/** Of some rules, for all ports or for one. */
function tlsOfAll(random: SeededRandom, { tls: port }: StreamPorts, files: OriginationFiles): object {
  return {
    ...(random.chance(0.3) ? { tls: origination(random, files) } : {}),
    ...(random.chance(0.15)
      ? { portLevelSettings: [{ port: { number: port }, tls: origination(random, files) }] }
      : {}),
  }
}

function tlsOfEntries(random: SeededRandom, files: OriginationFiles): readonly MeshObjectYaml[] {
  return random.some([outside.wide, outside.narrow, outside.named, outside.direct], 1, 3).map((host, index) =>
    object(istio, 'DestinationRule', `outside-${index}`, {
      host,
      trafficPolicy: { tls: origination(random, files, true) },
    }),
  )
}

function target(
  random: SeededRandom,
  { ports, clusterIP, files }: Omit<ServiceParts, 'subsets'>,
): readonly MeshObjectYaml[] {
  // What is in files nobody explains.
  const known = { ...files, strangers: files.roots }
  const labels: Record<string, string> = random.chance(0.2) ? { 'networking.istio.io/tunnel': 'none' } : {}
  return [
    workload('target', 'target', { proxy: 'sidecar', command: ['true'], ports: named(ports) }, labels),
    object('v1', 'Service', 'target', {
      selector: { app: 'target' },
      clusterIP,
      clusterIPs: [clusterIP],
      ports: named(ports),
    }),
    ...(random.chance(0.4)
      ? [
          object(istio, 'DestinationRule', 'target', {
            host: 'target',
            trafficPolicy: { tls: random.chance(0.4) ? { mode: 'DISABLE' } : origination(random, known) },
          }),
        ]
      : []),
  ]
}

/** Of VirtualServices; those of `gamma` give way where routes of the Gateway API are for it. */
function rulesOfServices(random: SeededRandom, scope: StreamRuleScope): readonly MeshObjectYaml[] {
  return random.some([...plainServices, 'target'], 1, 3).map((host) =>
    object(istio, 'VirtualService', `${host}-rules`, {
      hosts: [host],
      ...(random.chance(0.85) ? { tcp: tcpRules(random, scope) } : {}),
      tls: tlsRules(random, scope, [`${host}.default.svc.cluster.local`, `*.svc.cluster.local`, '*.example']),
    }),
  )
}

/** Called by ranges of addresses, one inside another, or by name. */
function serviceEntries({ tcp, tls }: StreamPorts, octet: number): readonly MeshObjectYaml[] {
  const { wideRange, narrow, directRange, endpoints } = outsideAddresses(octet)
  const entry = (name: string, spec: object): MeshObjectYaml => object(istio, 'ServiceEntry', name, spec)
  const bytes = [{ number: tcp, name: 'tcp', protocol: 'TCP' }]
  const secured = [{ number: tls, name: 'tls', protocol: 'TLS' }]
  const fixed = (index: number) => ({ resolution: 'STATIC', endpoints: [{ address: endpoints[index] }] })
  return [
    entry('wide', { hosts: [outside.wide], addresses: [wideRange], ports: bytes, ...fixed(0) }),
    entry('narrow', { hosts: [outside.narrow], addresses: [narrow], ports: bytes, ...fixed(1) }),
    entry('direct', { hosts: [outside.direct], addresses: [directRange], ports: bytes, resolution: 'NONE' }),
    entry('named', { hosts: [outside.named], ports: secured, ...fixed(2) }),
    entry('wild', { hosts: [outside.wildcard], ports: secured, resolution: 'NONE' }),
  ]
}

function rulesOfEntries(random: SeededRandom, scope: StreamRuleScope, octet: number): readonly MeshObjectYaml[] {
  const { wideRange, inWide, inDirect } = outsideAddresses(octet)
  const asked = { ...scope, destinations: [wideRange, inWide, inDirect, `127.70.${octet}.0/24`] }
  const wide = object(istio, 'VirtualService', 'wide-rules', { hosts: [outside.wide], tcp: tcpRules(random, asked) })
  const byName = object(istio, 'VirtualService', 'named-rules', {
    hosts: [outside.named],
    tls: tlsRules(random, asked, [outside.named]),
  })
  return random.some([wide, byName], 0, 2)
}
