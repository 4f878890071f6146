// The answers of the admin API, made from a control plane's state.
import { objectKey, type Origin } from '@weft/core'
import { type Problem, withoutSuppressed } from '@weft/resources'
import { pushOrder, shortTypeName, typeUrl } from '@weft/xds'
import type { ControlPlane } from '../control-plane.ts'
import { resourceToJson } from '../patches/resource-to-json.ts'
import type { ProxyRef } from '../generators/generator.ts'
import { spiffeIdOf } from '../proxy-identity.ts'
import type { ProxyStatus } from '../serve/proxy-status.ts'
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts'
import type { SourceMap } from '../snapshot/source-map.ts'
import { type MeshStatuses, meshStatuses } from '../status/mesh-statuses.ts'
import { statusFindings } from '../status/status-findings.ts'
import { objectReports } from './object-reports.ts'
import type {
  FindingReport,
  ObjectsReport,
  OriginPlace,
  PositionsReport,
  ProxyReport,
  ResourcesReport,
  SnapshotReport,
  StatusReport,
} from './api-types.ts'

/** An origin and its place. */
function placeOf(sourceMap: SourceMap, origin: Origin): OriginPlace {
  return { origin, position: sourceMap.positionOf(origin) }
}

/** Everything `weft status` shows. */
export function statusReport(plane: ControlPlane, statuses: readonly ProxyStatus[], trustDomain: string): StatusReport {
  const { sourceMap, storeState } = plane
  const byId = new Map(statuses.map((status) => [status.proxyId, status]))
  const { losers, problems } = plane.findings()
  return {
    version: plane.snapshot?.version,
    sinceMs: plane.history[0]?.sinceMs,
    trustDomain,
    ready: plane.ready,
    proxies: plane.proxies.map((proxy) => {
      const status = byId.get(proxy.id)
      const older = hasOlderBootstrap(plane, proxy, status) ? { olderBootstrap: true as const } : {}
      return { ...proxyReport(proxy, status, sourceMap, trustDomain), ...older }
    }),
    store: {
      revision: storeState?.revision ?? 0,
      objects: storeState?.objects.length ?? 0,
      problems: (storeState?.problems ?? []).map(findingReport),
      relations: relationsOf(plane).map(findingReport),
      stale: (storeState?.stale ?? []).map(({ id, reason }) => ({ object: objectKey(id), reason })),
      blocking: (storeState?.blocking ?? []).map(findingReport),
      unenforceable: (storeState?.unenforceable ?? []).map(({ id, reason }) => ({ object: objectKey(id), reason })),
    },
    losers: losers.map((loser) => ({
      from: placeOf(sourceMap, loser.origin),
      reason: loser.reason,
      by: loser.by === undefined ? undefined : placeOf(sourceMap, loser.by),
      detail: loser.detail,
    })),
    notes: problems.map(({ origin, message }) => ({ from: placeOf(sourceMap, origin), message })),
  }
}

/** What is wrong between objects, and what the status of those of the Gateway API says is wrong. */
function relationsOf({ snapshot, sourceMap, storeState }: ControlPlane): readonly Problem[] {
  const { problems = [], relations = [], objects = [] } = storeState ?? {}
  if (snapshot === undefined) return relations
  const found = statusFindings({ snapshot, sourceMap }, [...problems, ...relations])
  return [...relations, ...withoutSuppressed(found, objects)]
}

/** Whether it is an Envoy that was started with other patches than it would be now. */
function hasOlderBootstrap(plane: ControlPlane, { id, flavor }: ProxyRef, status: ProxyStatus | undefined): boolean {
  if (flavor !== 'envoy' || status?.connected !== true) return false
  const now = plane.bootstrapOf(id)
  return now !== undefined && now.version !== (status.bootstrap ?? '')
}

function proxyReport(
  proxy: ProxyRef,
  status: ProxyStatus | undefined,
  sourceMap: SourceMap,
  trustDomain: string,
): ProxyReport {
  const { instance } = proxy
  return {
    id: proxy.id,
    instance: instance.name,
    namespace: instance.namespace,
    workload: instance.workload,
    kind: instance.proxy === 'gateway' || instance.proxy === 'grpc' ? instance.proxy : 'sidecar',
    flavor: proxy.flavor,
    address: instance.address,
    ready: instance.ready,
    draining: instance.draining,
    connected: status?.connected ?? false,
    userAgent: status?.userAgent,
    identity: {
      expected: spiffeIdOf(instance, trustDomain),
      spiffeId: status?.peer?.spiffeId,
      serial: status?.peer?.serial,
      notAfterMs: status?.peer?.notAfterMs,
    },
    isolation: 'none',
    types: (status?.types ?? []).map((type) => ({
      type: shortTypeName(type.typeUrl),
      typeUrl: type.typeUrl,
      version: type.version,
      acceptedVersion: type.acceptedVersion,
      state: type.state,
      resources: type.resources,
      refused: type.refused.map(({ name, version, reason, origin }) => ({
        name,
        version,
        reason,
        from: origin.map((one) => placeOf(sourceMap, one)),
      })),
    })),
  }
}

function findingReport(problem: Problem): FindingReport {
  const { severity, code, message, objectId, field, position, mend } = problem
  return { severity, code, message, object: objectId && objectKey(objectId), field, position, mend }
}

/** Every resource of a proxy, printed and encoded; undefined when there is no such proxy. */
export function resourcesReport(plane: ControlPlane, proxyId: string): ResourcesReport | undefined {
  const table = plane.tableOf(proxyId)
  if (table === undefined) return undefined
  const types = pushOrder.flatMap((type) => {
    const resources = [...table.get(type).values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    if (resources.length === 0) return []
    const reports = resources.map(({ name, version, origin, body }) => ({
      name,
      version,
      from: (origin ?? []).map((one) => placeOf(plane.sourceMap, one)),
      resource: resourceToJson(type, body),
      // A key leaves the control plane on the proxy's own stream only.
      body: type === typeUrl.secret ? '' : Buffer.from(body).toString('base64'),
    }))
    return [[shortTypeName(type), reports] as const]
  })
  return { proxyId, types: Object.fromEntries(types) }
}

/** The newest snapshot; undefined before there is one. */
export function snapshotReport(plane: ControlPlane): SnapshotReport | undefined {
  const [newest] = plane.history
  if (newest === undefined) return undefined
  const { snapshot, sourceMap, sinceMs } = newest
  const objects = Object.values(snapshot.config.objects).flatMap((list) => [...list])
  return {
    version: snapshot.version,
    sinceMs,
    objects: objects.map(({ key, hash }) => ({ key, hash, position: sourceMap.positionOf(key) })),
    instances: snapshot.running.instances.map(({ value }) => value),
    history: plane.history.map((entry) => ({ version: entry.snapshot.version, sinceMs: entry.sinceMs })),
  }
}

/** The objects asked for, with their status; undefined before there is a snapshot. */
export function objectsReport(plane: ControlPlane, query: URLSearchParams): ObjectsReport | undefined {
  const [newest] = plane.history
  if (newest === undefined) return undefined
  const namespace = query.get('namespace')
  const name = query.get('name')
  const asked = {
    kinds: query.getAll('kind'),
    ...(namespace === null ? {} : { namespace }),
    ...(name === null ? {} : { name }),
  }
  const statuses = statusesOf(newest.snapshot, new Date(newest.sinceMs).toISOString())
  return { objects: objectReports(plane.storeState?.objects ?? [], statuses, asked) }
}

// Found out when somebody asks, and once for each snapshot.
const known = new WeakMap<MeshSnapshot, MeshStatuses>()

function statusesOf(snapshot: MeshSnapshot, time: string): MeshStatuses {
  const statuses = known.get(snapshot) ?? meshStatuses(snapshot, { time })
  known.set(snapshot, statuses)
  return statuses
}

/** Where origins are written now. */
export function positionsReport(plane: ControlPlane, origins: readonly Origin[]): PositionsReport {
  return { positions: origins.map((origin) => placeOf(plane.sourceMap, origin)) }
}
