import { shortTypeName, typeUrl } from '@weft/xds'
import { json, type SmallHandler, type SmallRequest, type SmallResponse, text } from './small-http-server.ts'
import type { ProxyView } from './proxy-view.ts'

/** What an administrative request may do to the proxy. */
export interface AdminActions {
  /** Stops accepting and finishes what is open. */
  drain(): void
  /** Ends the process after a drain. */
  quit(): void
}

type Page = (view: ProxyView, query: string) => SmallResponse | Promise<SmallResponse>

const pages: ReadonlyMap<string, Page> = new Map<string, Page>([
  ['/', () => text(200, [...pages.keys(), '/drain (POST)', '/quitquitquit (POST)', ''].join('\n'))],
  ['/ready', ready],
  ['/healthz/ready', ready],
  ['/server_info', (view) => json(200, condition(view))],
  ['/stats', async (view) => text(200, await view.renderStats())],
  ['/stats/prometheus', metrics],
  ['/metrics', metrics],
  ['/config_dump', configDump],
  ['/clusters', (view) => json(200, clusters(view))],
  ['/listeners', (view) => json(200, { listeners: view.addresses() })],
  ['/certs', (view) => json(200, view.certificates())],
])

/** The administrative pages; Envoy's names where Envoy has the page. */
export function adminHandler(view: ProxyView, actions: AdminActions): SmallHandler {
  return (request) => {
    const act = request.path === '/drain' ? actions.drain : request.path === '/quitquitquit' ? actions.quit : undefined
    if (act !== undefined) return perform(act, request, view)
    return show(pages.get(request.path), request, view)
  }
}

/** Only metrics and readiness, for ports that others than the owner may reach. */
export function publicHandler(view: ProxyView): SmallHandler {
  const open = new Set(['/ready', '/healthz/ready', '/stats/prometheus', '/metrics'])
  return (request) => show(open.has(request.path) ? pages.get(request.path) : undefined, request, view)
}

function show(page: Page | undefined, request: SmallRequest, view: ProxyView): ReturnType<Page> {
  if (page === undefined) return text(404, `no such page; try /\n`)
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'use GET\n')
  return page(view, request.query)
}

function perform(act: () => void, request: SmallRequest, view: ProxyView): SmallResponse {
  if (request.method !== 'POST') return text(405, 'use POST\n')
  if (!isLoopback(request.remoteAddress)) return text(403, 'only from loopback\n')
  // A page in a browser on this machine can send a POST to us, but not without saying where it is from.
  if (request.headers.has('origin') || request.headers.has('sec-fetch-site')) return text(403, 'not from a browser\n')
  act()
  return json(202, { draining: true, connections: view.connectionCount() })
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.')
}

function ready(view: ProxyView): SmallResponse {
  const state = view.readiness()
  return text(state === 'LIVE' ? 200 : 503, `${state}\n`)
}

async function metrics(view: ProxyView): Promise<SmallResponse> {
  return { status: 200, contentType: 'text/plain; version=0.0.4; charset=utf-8', body: await view.renderMetrics() }
}

type Parts = ReadonlyMap<string, (view: ProxyView) => unknown>

/** How this proxy is, in a few lines: what `weft status` asks each one for. */
const conditionParts: Parts = new Map<string, (view: ProxyView) => unknown>([
  ['node', (view) => view.serverInfo()],
  ['state', (view) => view.readiness()],
  ['control', (view) => view.controlPlane()],
  ['persistence', (view) => view.persistence()],
  ['unbound', (view) => view.addresses().filter(({ state }) => state === 'failed')],
  ['warming', ({ store }) => store.warming],
  ['unlisted', unlistedFields],
])

/** What is served, what waits and what was refused. Secrets are only named: the configuration never holds them. */
const dumpParts: Parts = new Map<string, (view: ProxyView) => unknown>([
  ...conditionParts,
  ['versions', versions],
  ['listeners', ({ store }) => store.active.listeners],
  ['routes', ({ store }) => store.active.routeConfigs],
  ['clusters', ({ store }) => store.active.clusters],
  ['endpoints', endpointsOf],
])

function condition(view: ProxyView): unknown {
  return partsOf(view, conditionParts)
}

function partsOf(view: ProxyView, parts: Parts, names: Iterable<string> = parts.keys()): unknown {
  return Object.fromEntries([...names].map((name) => [name, parts.get(name)?.(view)]))
}

/** All of it, or with `mask=versions,clusters` these parts only: all of it takes milliseconds that the proxy's requests wait. */
function configDump(view: ProxyView, query: string): SmallResponse {
  const mask = new URLSearchParams(query).get('mask')
  const names = mask === null ? undefined : new Set(mask.split(','))
  const unknown = [...(names ?? [])].filter((name) => !dumpParts.has(name))
  if (unknown.length > 0)
    return text(
      400,
      `mask: no part ${JSON.stringify(unknown.join(','))}; there are ${[...dumpParts.keys()].join(', ')}\n`,
    )
  return json(200, partsOf(view, dumpParts, names))
}

function versions({ store }: ProxyView): unknown {
  const held: Record<string, unknown> = {}
  for (const type of [typeUrl.listener, typeUrl.routeConfiguration, typeUrl.cluster, typeUrl.clusterLoadAssignment]) {
    held[shortTypeName(type)] = { accepted: store.held(type), refused: store.refused.get(type) ?? new Map() }
  }
  return held
}

/** Fields that are set in accepted resources but that this proxy does not read. */
function unlistedFields({ store }: ProxyView): unknown {
  const found: { type: string; name: string; fields: readonly string[] }[] = []
  const { listeners, routeConfigs, clusters: ofClusters, endpoints } = store.accepted
  for (const [type, resources] of [
    ['LDS', listeners],
    ['RDS', routeConfigs],
    ['CDS', ofClusters],
    ['EDS', endpoints],
  ] as const) {
    for (const [name, { value }] of resources) {
      if (value.unlisted.length > 0) found.push({ type, name, fields: value.unlisted })
    }
  }
  return found
}

function endpointsOf({ store }: ProxyView): unknown {
  return Object.fromEntries([...store.accepted.endpoints].map(([name, { value }]) => [name, value.localities]))
}

function clusters({ store, hostsOf }: ProxyView): unknown {
  return [...store.active.clusters.values()].map((cluster) => {
    const { discovery } = cluster
    const set =
      discovery.kind === 'eds'
        ? store.endpointsOf(discovery.edsName)
        : 'endpoints' in discovery
          ? discovery.endpoints
          : undefined
    return {
      name: cluster.name,
      discovery: discovery.kind,
      origins: cluster.origins,
      ...(discovery.kind === 'dynamic' ? { cache: discovery.cache.name, hosts: hostsOf(discovery.cache) } : {}),
      endpoints: (set?.localities ?? []).flatMap(({ endpoints, priority }) =>
        endpoints.map(({ key, health, weight, metadata }) => ({ key, health, weight, priority, metadata })),
      ),
    }
  })
}
