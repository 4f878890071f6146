// What `weft explain` reads: every proxy's configuration, compiled as the proxy compiles it, from files or from a running
// control plane.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type ApiClient, buildOffline, type ProxyReport, type ResourcesReport } from '@weft/control'
import { err, ok, type Origin, type Position, type Result } from '@weft/core'
import {
  compile,
  type CompileError,
  type CompileOptions,
  type EndpointSet,
  type ProxyView,
  type UnreadResource,
} from '@weft/engine'
import { compileRegex } from '@weft/engine/regex'
import { loadFiles, type Problem } from '@weft/resources'
import { typeUrl } from '@weft/xds'

/** Whose proxies a mesh has. */
export type ProxyFlavor = 'weft' | 'envoy'

/** A proxy and the workload it belongs to. */
export interface NamedView extends ProxyView {
  readonly workload: string
  readonly instance: string
  readonly namespace: string
  readonly kind: 'sidecar' | 'gateway'
}

/** All proxies of a mesh. */
export interface MeshViews {
  readonly views: readonly NamedView[]
  /** Where origins are written; those without a place are left out. */
  positions(origins: readonly Origin[]): Promise<ReadonlyMap<Origin, Position>>
  /** Things worth a warning: files with errors, resources that do not compile. */
  readonly warnings: readonly string[]
}

/** The YAML files of a directory (of its `mesh` folder, if there is one). */
export function meshFiles(dir: string): Result<readonly { readonly name: string; readonly text: string }[]> {
  if (!existsSync(dir) || !statSync(dir).isDirectory()) return err(`${dir} is not a directory`)
  const root = existsSync(join(dir, 'mesh')) ? join(dir, 'mesh') : dir
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.ya?ml$/.test(name) && !name.includes('node_modules'))
    .sort()
    .map((name) => ({ name: relative('', join(root, name)), text: readFileSync(join(root, name), 'utf8') }))
  return ok(files)
}

/** Reads the YAML files of a directory and translates them for proxies of a kind. */
export function offlineViews(dir: string, flavor: ProxyFlavor): Result<MeshViews> {
  const files = meshFiles(dir)
  if (!files.ok) return files
  const mesh = buildOffline(files.value, { flavor })
  const mistakes = mesh.problems.filter(isMistake)
  const warnings = mistakes.map((problem) => `${placeText(problem.position)}${problem.message}`)
  if (flavor === 'weft' && loadFiles(files.value, 'envoy').problems.filter(isMistake).length < mistakes.length) {
    warnings.push("explained for Weft's own proxies, without what only an Envoy can do; for Envoys add --proxy envoy")
  }
  if (mesh.instances.length === 0) {
    const errors = warnings.map((warning) => `\n  ${warning}`).join('')
    return err(
      `${dir} holds no Workload (kind: Workload, apiVersion: weft.dev/v1alpha1): nobody to explain for${errors}`,
    )
  }
  const views = mesh.instances.flatMap((instance) => {
    const id = `${instance.name}.${instance.namespace}`
    const table = mesh.resourcesFor(id)
    // What gRPC libraries do with their configuration is theirs to explain.
    if (table === undefined || instance.proxy === 'grpc') return []
    const { trustDomain } = mesh.snapshot.config.settings
    const bodies = (type: 'LDS' | 'RDS' | 'CDS' | 'EDS') => [...table.get(typeUrls[type]).values()]
    return [
      {
        ...compiled({ id, flavor }, bodies, warnings),
        address: instance.address,
        principal: `spiffe://${trustDomain}/ns/${instance.namespace}/sa/${instance.serviceAccount}`,
        workload: instance.workload,
        instance: instance.name,
        namespace: instance.namespace,
        kind: instance.proxy === 'gateway' ? ('gateway' as const) : ('sidecar' as const),
      },
    ]
  })
  const positions = (origins: readonly Origin[]) =>
    Promise.resolve(new Map(origins.flatMap((origin) => place(origin, mesh.sourceMap.positionOf(origin)))))
  return ok({ views, positions, warnings })
}

function isMistake({ severity }: Problem): boolean {
  return severity === 'error'
}

/** Asks a running control plane what each proxy was given. */
export async function runningViews(api: ApiClient): Promise<Result<MeshViews>> {
  const status = await api.status()
  if (!status.ok) return status
  const warnings: string[] = []
  const views: NamedView[] = []
  for (const proxy of status.value.proxies) {
    if (proxy.kind === 'grpc') continue
    const report = await api.resources(proxy.id)
    if (!report.ok) return report
    views.push(runningView(proxy, report.value, warnings))
  }
  return ok({ views, warnings, positions: (origins) => askPositions(api, origins) })
}

function runningView(proxy: ProxyReport, report: ResourcesReport, warnings: string[]): NamedView {
  const bodies = (type: 'LDS' | 'RDS' | 'CDS' | 'EDS') =>
    (report.types[type] ?? []).map(({ name, body, from }) => ({
      name,
      body: Buffer.from(body, 'base64'),
      origin: from.map(({ origin }) => origin),
    }))
  const { address, workload, instance, namespace, identity } = proxy
  return {
    ...compiled(proxy, bodies, warnings),
    address,
    principal: identity.expected,
    workload,
    instance,
    namespace,
    kind: proxy.kind === 'gateway' ? 'gateway' : 'sidecar',
  }
}

/** Asks in portions that fit a request line. */
async function askPositions(api: ApiClient, origins: readonly Origin[]): Promise<ReadonlyMap<Origin, Position>> {
  const places = new Map<Origin, Position>()
  for (let from = 0; from < origins.length; from += 50) {
    const answer = await api.positions(origins.slice(from, from + 50))
    if (!answer.ok) continue
    for (const { origin, position } of answer.value.positions) if (position !== undefined) places.set(origin, position)
  }
  return places
}

const typeUrls = {
  LDS: typeUrl.listener,
  RDS: typeUrl.routeConfiguration,
  CDS: typeUrl.cluster,
  EDS: typeUrl.clusterLoadAssignment,
} as const

type Bodies = (type: keyof typeof typeUrls) => readonly {
  readonly name: string
  readonly body: Uint8Array
  readonly origin?: readonly Origin[]
}[]

type Compiled<T> = (body: Uint8Array, options: CompileOptions) => Result<T, CompileError>

/** What Weft's proxy would refuse is a warning; an Envoy may well use what is not understood here. */
function compiled(
  { id, flavor }: { readonly id: string; readonly flavor: ProxyFlavor },
  bodies: Bodies,
  warnings: string[],
): Pick<ProxyView, 'id' | 'config' | 'endpoints' | 'unread'> {
  const unread: UnreadResource[] = []
  const each = <T>(type: keyof typeof typeUrls, read: Compiled<T>) => {
    const map = new Map<string, T>()
    for (const { name, body, origin = [] } of bodies(type)) {
      const patches = origin.filter((one) => one.includes('/EnvoyFilter/'))
      const result = read(body, { regex: compileRegex, ...(flavor === 'envoy' ? { keepsUnknown: { patches } } : {}) })
      if (result.ok) map.set(name, result.value)
      else if (flavor === 'envoy') unread.push({ type, name, reason: `${result.error.field}: ${result.error.message}` })
      else warnings.push(`${id} would refuse ${type} ${name}: ${result.error.field}: ${result.error.message}`)
    }
    return map
  }
  const config = {
    listeners: each('LDS', compile.compileListener),
    routeConfigs: each('RDS', compile.compileRouteConfig),
    clusters: each('CDS', compile.compileCluster),
  }
  const endpoints = each<EndpointSet>('EDS', (body) => compile.compileEndpoints(body))
  return { id, config, endpoints, ...(unread.length === 0 ? {} : { unread }) }
}

function place(origin: Origin, position: Position | undefined): readonly (readonly [Origin, Position])[] {
  return position === undefined ? [] : [[origin, position]]
}

/** `file:line: `, or nothing. */
function placeText(position: Position | undefined): string {
  return position === undefined ? '' : `${position.file}:${position.line}: `
}
