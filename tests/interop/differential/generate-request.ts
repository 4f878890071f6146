// Requests made of the same words as the rules.
import type { GeneratedMesh } from './generate-mesh.ts'
import type { SeededRandom } from './seeded-random.ts'
import {
  headerNames,
  headerValues,
  identities,
  methods,
  oddPaths,
  paths,
  queryNames,
  queryValues,
} from './vocabulary.ts'

/** Which proxy is asked: the client's sidecar, the gateway, or the sidecar in front of `target`. */
export type Side = 'outbound' | 'gateway' | 'inbound'

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
}

/** One request for a side of a mesh. */
export function generateRequest(random: SeededRandom, mesh: GeneratedMesh, side: Side): TestRequest {
  const path = random.chance(0.25) ? random.pick(oddPaths) : random.pick(paths)
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
  return {
    method: random.pick(methods),
    target: `${beforeFragment}${query.length > 0 ? `?${query.join('&')}` : ''}${fragment === undefined ? '' : `#${fragment}`}`,
    authority: authority(random, mesh, side),
    headers,
    identity: side === 'inbound' && random.chance(0.7) ? random.pick(identities) : undefined,
  }
}

function authority(random: SeededRandom, mesh: GeneratedMesh, side: Side): string {
  if (side === 'inbound')
    return random.pick(['target', 'target', 'target:80', 'Target', 'target.default', 'x.example.com'])
  const known = side === 'outbound' ? [...mesh.meshHosts, 'target'] : mesh.gatewayHosts
  const host = random.chance(0.06) || known.length === 0 ? 'nobody.test' : random.pick(known)
  const named = host.replace('*', random.pick(['www', 'deep.down', 'x']))
  const full =
    side === 'outbound' && (mesh.services.includes(host) || host === 'target')
      ? random.pick([named, named, `${named}.default`, `${named}.default.svc`, `${named}.default.svc.cluster.local`])
      : named
  const cased = random.chance(0.1) ? full.toUpperCase() : full
  return random.chance(0.2) ? `${cased}:${random.pick(['80', '80', '8080', '81'])}` : cased
}
