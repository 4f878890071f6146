// Suites of tests around a mesh, on either data plane.
import { after, before, describe } from 'node:test'
import type { ProxyKind } from '../../../packages/local/src/supervisor/proxy-bootstrap.ts'
import { skipWithoutEnvoy } from '../envoy-on-path.ts'
import { EnvoyMesh, type EnvoyMeshOptions } from './envoy-mesh.ts'

/** A suite for each data plane, with its name behind the title; for Envoy only where it can be run. */
export function onBothPlanes(
  title: string,
  suite: (dataPlane: ProxyKind) => void,
  { skip = false }: { readonly skip?: string | false } = {},
): void {
  for (const dataPlane of ['envoy', 'weft'] as const) {
    const why = skip === false && dataPlane === 'envoy' ? skipWithoutEnvoy : skip
    describe(`${title} ${dataPlane}`, { skip: why }, () => suite(dataPlane))
  }
}

/** A mesh that is started before the tests around it, with what goes beyond its base, and closed after them. */
export function startedMesh(
  options: EnvoyMeshOptions,
  more: string | ((mesh: EnvoyMesh) => string | Promise<string>) = '',
): EnvoyMesh {
  const mesh = new EnvoyMesh(options)
  before(async () => mesh.start(typeof more === 'string' ? more : await more(mesh)))
  after(() => mesh.close())
  return mesh
}
