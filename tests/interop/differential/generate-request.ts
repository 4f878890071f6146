// Requests made of the same words as the rules.
import { forEach } from './for-each.ts'
import type { GeneratedMesh } from './generate-mesh.ts'
import type { SeededRandom } from './seeded-random.ts'
import {
  askedHeaders,
  cookies,
  grpcMethods,
  grpcServices,
  headerNames,
  headerValues,
  identities,
  methods,
  oddPaths,
  origins,
  paths,
  queryNames,
  queryValues,
  sources,
} from './vocabulary.ts'

/** Which proxy is asked: the client's sidecar, the gateway, that of the Gateway API, or the sidecar in front of `target`. */
export type MeshSide = 'outbound' | 'gateway' | 'edge' | 'inbound'

/** `bare`: a proxy with a route configuration that no object of ours says. */
export type Side = MeshSide | 'bare'

/** All sides. */
export const sides: readonly Side[] = ['outbound', 'gateway', 'edge', 'inbound', 'bare']

/** Something for every side. */
export function perSide<T>(make: (side: Side) => T): Record<Side, T> {
  return forEach(sides, make)
}

/** A request as written on the wire. */
export interface TestRequest {
  readonly method: string
  /** Origin form: path and query. */
  readonly target: string
  readonly authority: string
  /** In order; a name may repeat. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** SPIFFE id shown in a TLS handshake; undefined: plaintext. */
  readonly identity: string | undefined
  /** The address it comes from; absent: 127.0.0.1. */
  readonly source?: string
}

/** One request for a side of a mesh. */
export function generateRequest(random: SeededRandom, mesh: GeneratedMesh, side: MeshSide): TestRequest {
  const call = random.chance(side === 'edge' ? 0.12 : 0.05)
  const path =
    call && random.chance(0.8)
      ? `/${random.pick(grpcServices)}/${random.pick(grpcMethods)}`
      : random.chance(0.25)
        ? random.pick(oddPaths)
        : random.pick(paths)
  const query = random.some(queryNames, 0, 2).map((name) => {
    const pair = random.chance(0.15) ? name : `${name}=${random.pick(queryValues).replaceAll(' ', '+')}`
    return random.chance(0.1) ? `${pair}&${name}=1` : pair
  })
  const [beforeFragment = '', fragment] = path.split('#')
  const headers = random.some(headerNames, 0, 3).flatMap((name): (readonly [string, string])[] => {
    const value = random.pick(headerValues)
    const written = random.chance(0.3) ? name.toUpperCase() : name
    return random.chance(0.12)
      ? [
          [written, value],
          [name, random.pick(headerValues)],
        ]
      : [[written, value]]
  })
  const method = call ? 'POST' : random.pick(methods)
  const mayBePreflight = method === 'OPTIONS' && random.chance(0.7)
  if (mayBePreflight || random.chance(0.25)) headers.push(['origin', random.pick(origins)])
  if (mayBePreflight && random.chance(0.8)) headers.push(['access-control-request-method', random.pick(['GET', 'PUT'])])
  if (mayBePreflight && random.chance(0.5)) headers.push(['access-control-request-headers', random.pick(askedHeaders)])
  if (random.chance(0.6)) headers.push(['cookie', random.pick(cookies)])
  if (call) headers.push(['content-type', random.pick(['application/grpc', 'application/grpc+proto'])])
  return {
    method,
    target: `${beforeFragment}${query.length > 0 ? `?${query.join('&')}` : ''}${fragment === undefined ? '' : `#${fragment}`}`,
    authority: call && side === 'edge' && random.chance(0.7) ? 'calls.example' : authority(random, mesh, side),
    headers,
    identity: side === 'inbound' && random.chance(0.7) ? random.pick(identities) : undefined,
    // The second proxy of a way knows the first one's address only.
    ...(side !== 'outbound' && random.chance(0.5) ? { source: random.pick(sources) } : {}),
  }
}

function authority(random: SeededRandom, mesh: GeneratedMesh, side: MeshSide): string {
  if (side === 'inbound')
    return random.pick(['target', 'target', 'target:80', 'Target', 'target.default', 'x.example.com'])
  const known = {
    outbound: [...mesh.meshHosts, 'target'],
    gateway: mesh.gatewayHosts,
    edge: mesh.edgeHosts,
  }[side]
  const host = random.chance(0.06) || known.length === 0 ? 'nobody.test' : random.pick(known)
  const named = host.replace('*', random.pick(['www', 'deep.down', 'x']))
  const full =
    side === 'outbound' && (mesh.services.includes(host) || host === 'target')
      ? random.pick([named, named, `${named}.default`, `${named}.default.svc`, `${named}.default.svc.cluster.local`])
      : named
  const cased = random.chance(0.1) ? full.toUpperCase() : full
  return random.chance(0.2) ? `${cased}:${random.pick(['80', '80', '8080', '81'])}` : cased
}
