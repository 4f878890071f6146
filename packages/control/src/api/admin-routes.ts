// What the admin API serves.
import type { ControlPlane } from '../control-plane.ts'
import type { Distributor } from '../serve/distributor-api.ts'
import type { ApiAnswer, ApiRoute } from './admin-server.ts'
import { objectsReport, positionsReport, resourcesReport, snapshotReport, statusReport } from './reports.ts'

/** The routes over a control plane. */
export function adminRoutes(plane: ControlPlane, distributor: Distributor, trustDomain: string): ApiRoute[] {
  return [
    { path: '/v1/status', answer: () => json(statusReport(plane, distributor.status(), trustDomain)) },
    {
      path: '/v1/proxies/:id/resources',
      answer: (id) => json(resourcesReport(plane, id), `no proxy ${id}; weft status lists them`),
    },
    {
      path: '/v1/proxies/:id/bootstrap',
      answer: (id) => json(plane.bootstrapOf(id), `no proxy ${id}; weft status lists them`),
    },
    { path: '/v1/snapshot', answer: () => json(snapshotReport(plane), 'no snapshot yet') },
    { path: '/v1/objects', answer: (_id, query) => json(objectsReport(plane, query), 'no snapshot yet') },
    { path: '/v1/positions', answer: (_id, query) => json(positionsReport(plane, query.getAll('origin'))) },
    {
      path: '/ready',
      answer: () => ({
        status: plane.ready ? 200 : 503,
        body: plane.ready ? 'ready\n' : 'starting\n',
        contentType: 'text/plain',
      }),
    },
  ]
}

function json(body: unknown, missing = ''): ApiAnswer {
  return body === undefined ? { status: 404, body: { error: missing } } : { status: 200, body }
}
