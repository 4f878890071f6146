// A Gateway of the Gateway API with its HTTPRoutes and GRPCRoutes, and such routes attached to Services of the mesh.
import type { Yaml } from './generate-http-rules.ts'
import { type MeshObjectYaml, object, versionHost, versionPath } from './mesh-object-yaml.ts'
import type { SeededRandom } from './seeded-random.ts'
import {
  foreignHosts,
  grpcMethods,
  grpcServices,
  headerNames,
  headerRegexes,
  headerValues,
  literalValues,
  methods,
  pathPrefixes,
  pathRegexes,
  paths,
  queryNames,
  queryRegexes,
  queryValues,
  sessionCarriers,
  writtenHeaders,
} from './vocabulary.ts'

/** What is made. */
export interface GatewayApiPart {
  readonly objects: readonly MeshObjectYaml[]
  /** Hosts that clients of the Gateway may ask for. */
  readonly hosts: readonly string[]
}

/** What routes may refer to. */
export interface GatewayApiScope {
  readonly services: readonly string[]
  /** Services without a VirtualService: a route of the Gateway API would hold instead of it. */
  readonly free: readonly string[]
  readonly port: number
  readonly version: number
}

const group = 'gateway.networking.k8s.io/v1'
/** Name of the Gateway; its proxy is `edge-weft-0`. */
export const edgeGateway = 'edge'

/** Makes it. */
export function generateGatewayApi(random: SeededRandom, scope: GatewayApiScope): GatewayApiPart {
  const hosts = random.some([...foreignHosts, 'alpha.test'], 1, 3)
  const listeners = random.pick([
    [undefined],
    [undefined, '*.example.com'],
    ['*.example.com', '*.org', 'alpha.test', versionHost],
  ])
  const parent = (name: string | undefined): Yaml => ({
    name: edgeGateway,
    ...(name === undefined ? {} : { sectionName: name }),
  })
  const objects: MeshObjectYaml[] = [
    object(group, 'Gateway', edgeGateway, {
      gatewayClassName: 'weft',
      listeners: listeners.map((hostname, index) => ({
        name: `l${index}`,
        port: scope.port,
        protocol: 'HTTP',
        ...(hostname === undefined ? {} : { hostname }),
      })),
    }),
    object(group, 'HTTPRoute', 'edge-version', {
      parentRefs: [parent(undefined)],
      hostnames: [versionHost],
      rules: [
        {
          // Exact paths go first, and no other rule names this one.
          matches: [{ path: { type: 'Exact', value: versionPath } }],
          filters: [
            { type: 'RequestRedirect', requestRedirect: { hostname: `v${scope.version}.test`, statusCode: 307 } },
          ],
        },
      ],
    }),
  ]
  for (const [index, host] of hosts.entries()) {
    const section = random.chance(0.2) ? `l${random.int(listeners.length)}` : undefined
    objects.push(httpRoute(random, `edge-${index}`, { parentRefs: [parent(section)], hostnames: [host] }, scope))
    if (random.chance(0.3)) objects.push(...hedging(random, `edge-${index}`))
    if (random.chance(0.4)) {
      const more = { parentRefs: [parent(undefined)], ...(random.chance(0.5) ? {} : { hostnames: [host] }) }
      objects.push(httpRoute(random, `edge-${index}-more`, more, scope))
    }
  }
  if (random.chance(0.6)) {
    objects.push(
      grpcRoute(random, 'edge-calls', { parentRefs: [parent(undefined)], hostnames: ['calls.example'] }, scope),
    )
    if (listeners.includes(undefined))
      return { objects: [...objects, ...inMesh(random, scope)], hosts: [...hosts, 'calls.example'] }
  }
  return { objects: [...objects, ...inMesh(random, scope)], hosts }
}

/** Routes whose parent is a Service: they hold for who calls it. */
function inMesh(random: SeededRandom, scope: GatewayApiScope): readonly MeshObjectYaml[] {
  return scope.free.flatMap((name) => {
    if (random.chance(0.1)) return []
    const parentRefs = [{ group: '', kind: 'Service', name, ...(random.chance(0.3) ? { port: 80 } : {}) }]
    return [
      httpRoute(random, `mesh-${name}`, { parentRefs }, scope),
      ...(random.chance(0.3) ? hedging(random, `mesh-${name}`) : []),
      ...(random.chance(0.8) ? [grpcRoute(random, `mesh-calls-${name}`, { parentRefs }, scope)] : []),
    ]
  })
}

/** Requests beside slow ones of a route, all of them over before the limit of the whole: never so that time decides. */
function hedging(random: SeededRandom, name: string): readonly MeshObjectYaml[] {
  const targetRefs = [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name }]
  const attempts = random.chance(0.5) ? { attempts: 1 + random.int(2) } : {}
  return [
    object('weft.dev/v1alpha1', 'HedgingPolicy', `${name}-hedges`, { targetRefs, after: '700ms', ...attempts }),
    object('weft.dev/v1alpha1', 'TimeoutPolicy', `${name}-limit`, { targetRefs, request: '3s' }),
  ]
}

function httpRoute(random: SeededRandom, name: string, base: Yaml, scope: GatewayApiScope): MeshObjectYaml {
  const rules = Array.from({ length: 1 + random.int(4) }, (_, index) => httpRule(random, `${name}-${index}`, scope))
  return object(group, 'HTTPRoute', name, { ...base, rules })
}

function httpRule(random: SeededRandom, name: string, scope: GatewayApiScope): Yaml {
  const matches = random.chance(0.15) ? undefined : Array.from({ length: 1 + random.int(3) }, () => httpMatch(random))
  // A prefix can only be replaced where there is one.
  const path = (matches?.length === 1 ? matches[0]?.['path'] : undefined) as { readonly type?: string } | undefined
  const hasPrefix =
    matches === undefined || (matches.length === 1 && (path === undefined || path.type === 'PathPrefix'))
  const redirects = random.chance(0.2)
  const filters = [
    ...modifiers(random),
    ...(!redirects && random.chance(0.25) ? [{ type: 'CORS', cors: cors(random) }] : []),
    ...(!redirects && random.chance(0.15) ? [mirror(random, scope)] : []),
    ...(redirects ? [redirect(random, hasPrefix)] : random.chance(0.3) ? [rewrite(random, hasPrefix)] : []),
  ]
  return {
    ...(random.chance(0.7) ? { name } : {}),
    ...(matches === undefined ? {} : { matches }),
    ...(filters.length === 0 ? {} : { filters }),
    ...(redirects ? {} : { backendRefs: backends(random, scope), ...limits(random), ...session(random) }),
  }
}

function httpMatch(random: SeededRandom): Yaml {
  const match: Record<string, unknown> = {}
  if (random.chance(0.7)) match['path'] = pathMatch(random)
  if (random.chance(0.4))
    match['headers'] = named(
      random,
      headerNames,
      headerValues.filter((one) => one !== ''),
      headerRegexes,
    )
  if (random.chance(0.25))
    match['queryParams'] = named(
      random,
      queryNames,
      queryValues.filter((one) => one !== ''),
      queryRegexes,
    )
  if (random.chance(0.25)) match['method'] = random.pick(methods)
  return match
}

function pathMatch(random: SeededRandom): Yaml {
  const kind = random.int(10)
  if (kind < 3) return { type: 'Exact', value: random.pick(paths) }
  return kind < 8
    ? { type: 'PathPrefix', value: random.pick(pathPrefixes) }
    : { type: 'RegularExpression', value: random.pick(pathRegexes) }
}

/** Conditions on names; of two for one name the first counts. */
function named(
  random: SeededRandom,
  names: readonly string[],
  values: readonly string[],
  regexes: readonly string[],
): readonly Yaml[] {
  return random
    .some(names, 1, 2)
    .map((name) =>
      random.chance(0.3)
        ? { name, type: 'RegularExpression', value: random.pick(regexes) }
        : { name, ...(random.chance(0.5) ? { type: 'Exact' } : {}), value: random.pick(values) },
    )
}

function modifiers(random: SeededRandom): readonly Yaml[] {
  const changes = (): Yaml => ({
    ...(random.chance(0.6) ? { set: [{ name: random.pick(writtenHeaders), value: random.pick(literalValues) }] } : {}),
    ...(random.chance(0.5) ? { add: [{ name: random.pick(writtenHeaders), value: random.pick(literalValues) }] } : {}),
    ...(random.chance(0.3) ? { remove: [random.pick([...writtenHeaders, 'X-Flavor'])] } : {}),
  })
  return [
    ...(random.chance(0.2) ? [{ type: 'RequestHeaderModifier', requestHeaderModifier: changes() }] : []),
    ...(random.chance(0.15) ? [{ type: 'ResponseHeaderModifier', responseHeaderModifier: changes() }] : []),
  ]
}

const corsOrigins = ['https://shop.example', 'https://*.shop.example', 'http://shop.example:8080']

function cors(random: SeededRandom): Yaml {
  return {
    allowOrigins: random.chance(0.2) ? ['*'] : random.some(corsOrigins, 1, 2),
    ...(random.chance(0.7) ? { allowMethods: random.pick([['GET', 'PUT'], ['*'], ['POST']]) } : {}),
    ...(random.chance(0.5) ? { allowHeaders: random.pick([['x-user', 'X-Trace'], ['*']]) } : {}),
    ...(random.chance(0.4) ? { exposeHeaders: random.pick([['x-added'], ['*']]) } : {}),
    ...(random.chance(0.4) ? { maxAge: random.pick([1, 600]) } : {}),
    ...(random.chance(0.4) ? { allowCredentials: random.chance(0.7) } : {}),
  }
}

/** Copies that are always sent, or never. */
function mirror(random: SeededRandom, { services }: GatewayApiScope): Yaml {
  const much = random.pick<Yaml>([{}, { percent: 0 }, { percent: 100 }, { fraction: { numerator: 3, denominator: 3 } }])
  return { type: 'RequestMirror', requestMirror: { backendRef: { name: random.pick(services), port: 80 }, ...much } }
}

function newPath(random: SeededRandom, hasPrefix: boolean): Yaml {
  return hasPrefix && random.chance(0.6)
    ? { type: 'ReplacePrefixMatch', replacePrefixMatch: random.pick(['/', '/new', '/new/', '']) }
    : { type: 'ReplaceFullPath', replaceFullPath: random.pick(['/', '/whole', '/whole/path']) }
}

function redirect(random: SeededRandom, hasPrefix: boolean): Yaml {
  const requestRedirect = {
    ...(random.chance(0.3) ? { scheme: random.pick(['http', 'https']) } : {}),
    ...(random.chance(0.5) ? { hostname: 'else.test' } : {}),
    ...(random.chance(0.3) ? { port: random.pick([80, 443, 8080]) } : {}),
    ...(random.chance(0.5) ? { path: newPath(random, hasPrefix) } : {}),
    ...(random.chance(0.5) ? { statusCode: random.pick([301, 302, 303, 307, 308]) } : {}),
  }
  return { type: 'RequestRedirect', requestRedirect }
}

function rewrite(random: SeededRandom, hasPrefix: boolean): Yaml {
  const hostname = random.chance(0.4) ? { hostname: 'inner.test' } : {}
  const path = random.chance(0.8) ? { path: newPath(random, hasPrefix) } : {}
  return { type: 'URLRewrite', urlRewrite: { ...hostname, ...path } }
}

/** One of them has all the weight; it may lead nowhere. */
function backends(random: SeededRandom, scope: GatewayApiScope, port = 80): readonly Yaml[] {
  if (random.chance(0.04)) return []
  const count = random.chance(0.3) ? 2 : 1
  const winner = random.int(count)
  return Array.from({ length: count }, (_, index) => {
    const filters = random.chance(0.15) ? modifiers(random) : []
    return {
      name: random.chance(0.05) ? 'nobody' : random.pick(scope.services),
      port,
      ...(count === 1 ? {} : { weight: index === winner ? 1 : 0 }),
      ...(filters.length === 0 ? {} : { filters }),
    }
  })
}

/** What keeps the requests of one client at one endpoint. */
function session(random: SeededRandom): Yaml {
  return random.chance(0.45) ? { sessionPersistence: random.pick(sessionCarriers) } : {}
}

/** Retries and time limits; never so that time decides between the two. */
function limits(random: SeededRandom): Yaml {
  const kind = random.int(20)
  if (kind < 2) return { timeouts: { request: '1500ms' } }
  const retry = {
    attempts: 1 + random.int(3),
    backoff: '1ms',
    codes: random.some([404, 429, 500, 502, 503, 504], 1, 3),
  }
  if (kind < 4) return { retry: { ...retry, attempts: 1 }, timeouts: { backendRequest: '1s' } }
  return kind < 10 ? { retry } : {}
}

function grpcRoute(random: SeededRandom, name: string, base: Yaml, scope: GatewayApiScope): MeshObjectYaml {
  const rules = Array.from({ length: 1 + random.int(3) }, (_, index) => {
    const filters = modifiers(random)
    return {
      ...(random.chance(0.7) ? { name: `${name}-${index}` } : {}),
      ...(random.chance(0.2) ? {} : { matches: Array.from({ length: 1 + random.int(2) }, () => grpcMatch(random)) }),
      ...(filters.length === 0 ? {} : { filters }),
      backendRefs: backends(random, scope),
    }
  })
  return object(group, 'GRPCRoute', name, { ...base, rules })
}

function grpcMatch(random: SeededRandom): Yaml {
  const exact = {
    ...(random.chance(0.7) ? { service: random.pick(grpcServices) } : {}),
    ...(random.chance(0.5) ? { method: random.pick(grpcMethods) } : {}),
  }
  const method = random.chance(0.3)
    ? { type: 'RegularExpression', service: 'shop\\..*', ...(random.chance(0.5) ? { method: 'H.*|Bye' } : {}) }
    : exact
  return {
    ...(Object.keys(method).length === 0 ? {} : { method }),
    ...(random.chance(0.3)
      ? {
          headers: named(
            random,
            headerNames,
            headerValues.filter((one) => one !== ''),
            headerRegexes,
          ),
        }
      : {}),
  }
}
