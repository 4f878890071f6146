// The typed client of the admin API, for the CLI and the supervisor.
import { err, ok, type Origin, type Result } from '@weft/core'
import type { ObjectQuery } from './object-reports.ts'
import type { ObjectsReport, PositionsReport, ResourcesReport, SnapshotReport, StatusReport } from './api-types.ts'

/** The admin API as functions; errors are sentences for people. */
export interface ApiClient {
  status(): Promise<Result<StatusReport>>
  resources(proxyId: string): Promise<Result<ResourcesReport>>
  snapshot(): Promise<Result<SnapshotReport>>
  positions(origins: readonly Origin[]): Promise<Result<PositionsReport>>
  objects(query: ObjectQuery): Promise<Result<ObjectsReport>>
}

/** A client of the API at `baseUrl`, for example `http://127.0.0.1:15080`. */
export function apiClient(baseUrl: string, timeoutMs = 5000): ApiClient {
  const get = async <T>(path: string): Promise<Result<T>> => {
    try {
      const response = await fetch(new URL(path, baseUrl), { signal: AbortSignal.timeout(timeoutMs) })
      const body = (await response.json()) as T & { error?: string }
      return response.ok ? ok(body) : err(body.error ?? `the control plane answered ${response.status}`)
    } catch (error) {
      return err(`no control plane answers at ${baseUrl}: ${causeOf(error)}`)
    }
  }
  return {
    status: () => get('/v1/status'),
    resources: (proxyId) => get(`/v1/proxies/${encodeURIComponent(proxyId)}/resources`),
    snapshot: () => get('/v1/snapshot'),
    objects: ({ kinds, namespace, name }) => {
      const query = new URLSearchParams(kinds.map((kind): [string, string] => ['kind', kind]))
      if (namespace !== undefined) query.set('namespace', namespace)
      if (name !== undefined) query.set('name', name)
      return get(`/v1/objects?${query.toString()}`)
    },
    positions: (origins) =>
      get(`/v1/positions?${origins.map((origin) => `origin=${encodeURIComponent(origin)}`).join('&')}`),
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}
