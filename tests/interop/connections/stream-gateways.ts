// Doors for connections: a Gateway of Istio with a server of each kind, and one of the Gateway API with routes of each kind.
import type { TlsMaterial } from '@weft/core'
import { type MeshObjectYaml, object } from '../differential/mesh-object-yaml.ts'
import type { SeededRandom } from '../differential/seeded-random.ts'
import { type StreamRuleScope, tcpRules, tlsRules, type Yaml } from './stream-rules.ts'
import { edgePorts, gatewayPorts, plainServices, type StreamPorts, streamServices } from './stream-vocabulary.ts'

const gatewayApi = 'gateway.networking.k8s.io/v1'
/** The Secret with certificate, key and authorities of the gateways. */
export const doorCertificate = 'door-certificate'
/** The name in it. */
export const doorName = 'door.test'

/** What clients are shown, and the root of those that they show. */
export interface DoorMaterial {
  readonly server: TlsMaterial
  readonly rootPem: string
}

/** The Gateway of Istio, its certificate, and one to three VirtualServices for it. */
export function istioDoor(
  random: SeededRandom,
  scope: StreamRuleScope,
  material: DoorMaterial,
): readonly MeshObjectYaml[] {
  const { bytes, idle, tls, passed } = gatewayPorts
  const server = (number: number, name: string, protocol: string, hosts: readonly string[], more: Yaml = {}): Yaml => ({
    port: { number, name, protocol },
    hosts,
    ...more,
  })
  const ended = { credentialName: doorCertificate }
  // Each name has at most one server.
  const modes = random.some(
    [
      server(tls, 'tls-passed', 'TLS', ['*.shop.example'], { tls: { mode: 'PASSTHROUGH' } }),
      server(tls, 'tls-ended', 'TLS', ['alpha.example'], { tls: { mode: 'SIMPLE', ...ended } }),
      server(tls, 'tls-mutual', 'TLS', ['other.test'], { tls: { mode: 'MUTUAL', ...ended } }),
      server(tls, 'tls-rest', 'TLS', ['*.example'], {
        tls: random.chance(0.5) ? { mode: 'PASSTHROUGH' } : { mode: 'SIMPLE', ...ended },
      }),
    ],
    2,
    4,
  )
  const servers = [
    server(bytes, 'tcp', 'TCP', ['*']),
    server(idle, 'tcp-idle', 'TCP', ['*']),
    ...modes,
    server(passed, 'tls-auto', 'TLS', ['*.local'], { tls: { mode: 'AUTO_PASSTHROUGH' } }),
  ]
  const services = Array.from({ length: 1 + random.int(3) }, (_, index) =>
    object('networking.istio.io/v1', 'VirtualService', `door-${index}`, {
      ...(random.chance(0.5)
        ? { hosts: ['*'], gateways: ['door'] }
        : {
            hosts: ['*.example', 'other.test'],
            gateways: index === 0 && random.chance(0.5) ? ['mesh', 'door'] : ['door'],
          }),
      tls: tlsRules(random, scope),
      tcp: tcpRules(random, scope).map((rule) => withPort(rule, [bytes, tls])),
    }),
  )
  return [
    object('networking.istio.io/v1', 'Gateway', 'door', { selector: { app: 'gateway' }, servers }),
    ...services,
    secret(material),
  ]
}

/** Otherwise the idle server would have rules. */
function withPort(rule: Yaml, ports: readonly number[]): Yaml {
  const matches = (rule['match'] as readonly Yaml[] | undefined) ?? [{}]
  return {
    ...rule,
    match: matches.flatMap((match) => ('port' in match ? [match] : ports.map((port) => ({ ...match, port })))),
  }
}

function secret({ server, rootPem }: DoorMaterial): MeshObjectYaml {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: doorCertificate, namespace: 'default' },
    type: 'kubernetes.io/tls',
    stringData: { 'tls.crt': server.certificateChainPem, 'tls.key': server.privateKeyPem, 'ca.crt': rootPem },
  }
}

/** The Gateway of the Gateway API and its routes, some of which come too late for their name. */
export function gatewayApiDoor(random: SeededRandom, ports: StreamPorts): readonly MeshObjectYaml[] {
  const ended = { mode: 'Terminate', certificateRefs: [{ name: doorCertificate }] }
  const listener = (name: string, hostname: string | undefined, tls: Yaml): Yaml => ({
    name,
    protocol: 'TLS',
    port: edgePorts.tls,
    ...(hostname === undefined ? {} : { hostname }),
    tls,
  })
  const listeners = [
    { name: 'bytes', protocol: 'TCP', port: edgePorts.bytes },
    listener('passed', '*.shop.example', { mode: 'Passthrough' }),
    listener('ended', 'alpha.example', ended),
    ...(random.chance(0.5) ? [listener('rest', undefined, random.pick([ended, { mode: 'Passthrough' }]))] : []),
  ]
  const names = ['a.shop.example', '*.y.shop.example', '*.shop.example', 'alpha.example', 'other.test']
  const tlsRoutes = Array.from({ length: 1 + random.int(3) }, (_, index) =>
    streamRoute(random, 'TLSRoute', `edge-${index}`, {
      parent: { name: 'edge', ...(random.chance(0.3) ? { sectionName: random.pick(['passed', 'ended']) } : {}) },
      hostnames: random.some(names, 2, 4),
      ports,
    }),
  )
  const tcpRoutes = Array.from({ length: random.pick([0, 1, 1, 2]) }, (_, index) =>
    streamRoute(random, 'TCPRoute', `edge-bytes-${index}`, { parent: { name: 'edge', sectionName: 'bytes' }, ports }),
  )
  return [object(gatewayApi, 'Gateway', 'edge', { gatewayClassName: 'weft', listeners }), ...tlsRoutes, ...tcpRoutes]
}

/** Routes whose parents are Services: none to two of each kind for `service`. */
export function serviceRoutes(random: SeededRandom, service: string, ports: StreamPorts): readonly MeshObjectYaml[] {
  const port = random.pick([ports.tcp, ports.tls])
  const parent = { group: '', kind: 'Service', name: service, ...(random.chance(0.6) ? { port } : {}) }
  const names = ['a.shop.example', '*.shop.example', 'alpha.example', 'other.test']
  const tlsRoutes = Array.from({ length: random.int(3) }, (_, index) =>
    streamRoute(random, 'TLSRoute', `${service}-${index}`, { parent, hostnames: random.some(names, 1, 3), ports }),
  )
  const tcpRoutes = Array.from({ length: random.int(3) }, (_, index) =>
    streamRoute(random, 'TCPRoute', `${service}-bytes-${index}`, { parent, ports }),
  )
  return [...tlsRoutes, ...tcpRoutes]
}

interface RouteParts {
  readonly parent: Yaml
  readonly hostnames?: readonly string[]
  readonly ports: StreamPorts
}

function streamRoute(
  random: SeededRandom,
  kind: 'TLSRoute' | 'TCPRoute',
  name: string,
  { parent, hostnames, ports }: RouteParts,
): MeshObjectYaml {
  const split = random.chance(0.35)
  const backendRefs = Array.from({ length: split ? 2 : 1 }, () => ({
    name: random.chance(0.07) ? 'nowhere' : random.pick([...plainServices, ...streamServices]),
    port: random.pick([ports.tcp, ports.tls]),
    ...(split ? { weight: random.pick([0, 1, 3]) } : {}),
  }))
  const created = random.chance(0.5) ? { creationTimestamp: `2024-0${1 + random.int(3)}-01T00:00:00Z` } : {}
  return {
    apiVersion: gatewayApi,
    kind,
    metadata: { name, namespace: 'default', ...created },
    spec: { parentRefs: [parent], ...(hostnames === undefined ? {} : { hostnames }), rules: [{ backendRefs }] },
  }
}
