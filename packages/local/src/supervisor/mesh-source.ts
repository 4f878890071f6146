// The configuration of a mesh as the supervisor needs it: through the same source and store as the control plane, so that
// a bad object keeps its last good version here too. Read-only: the control plane is the one that saves.
import { join } from 'node:path'
import { err, ok, type Result, type Runtime } from '@weft/core'
import { nodeRuntime } from '@weft/core/node'
import { ConfigStore, FileSource, type StoreState } from '@weft/control/store'
import {
  type DataPlane,
  type FilesIn,
  formatProblem,
  type GatewayAPIGatewaySpec,
  type GatewaySpec,
  type MeshObject,
  meshWorkloads,
  ofKind,
  ownApiGateways,
  type Problem,
  type ProxyConfigSpec,
  type ServiceSpec,
  type WorkloadSpec,
} from '@weft/resources'
import type { StatePaths } from '../state-paths.ts'

/** What runs and how it is named. */
export interface MeshView {
  readonly workloads: readonly MeshObject<WorkloadSpec>[]
  readonly services: readonly MeshObject<ServiceSpec>[]
  readonly gateways: readonly MeshObject<GatewaySpec>[]
  /** Those of the Gateway API whose class is ours. */
  readonly apiGateways: readonly MeshObject<GatewayAPIGatewaySpec>[]
  /** What proxies are started with. */
  readonly proxyConfigs: readonly MeshObject<ProxyConfigSpec>[]
}

/** One state of the configuration. */
export interface MeshReading {
  readonly view: MeshView
  readonly state: StoreState
  /** Errors of objects that have no last good version: reasons to start nothing. Lines for people. */
  readonly blocking: readonly string[]
  /** All errors; the objects they are about are in `view` in their last good version, if they have one. */
  readonly errors: readonly string[]
  /** References to what is not there, as errors: a start refuses them, a running mesh only tells. */
  readonly dangling: readonly string[]
}

/** The watched configuration. */
export interface MeshSource {
  /** Where its files lie. */
  readonly filesIn: FilesIn
  /** As first read. */
  readonly first: MeshReading
  /** Calls back with every later state. */
  follow(onReading: (reading: MeshReading) => void): void
  close(): void
}

/** Reads the configuration below `dir` (absolute) and begins to watch it. The error says why it cannot be read. */
export async function openMeshSource(
  dir: string,
  paths: StatePaths,
  dataPlane: DataPlane,
): Promise<Result<MeshSource>> {
  const runtime: Runtime = nodeRuntime()
  const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
  const files = { ...runtime.files, writeAtomic: async () => ({ ok: true }) as const }
  const store = new ConfigStore({ ...runtime, files, log: quiet }, join(paths.state, 'state/objects.json'), dataPlane)
  await store.load()
  const source = new FileSource(runtime, { dir, onFiles: (found) => store.apply(found) })
  try {
    await source.start()
  } catch (error) {
    return err((error as Error).message)
  }
  return ok({
    filesIn: source.filesIn,
    first: readingOf(store.state),
    follow: (onReading) => void store.subscribe((state) => onReading(readingOf(state))),
    close() {
      source.close()
      store.close()
    },
  })
}

/** What the supervisor needs of a state of the store. */
export function readingOf(state: StoreState): MeshReading {
  const { objects, problems, blocking, relations = [] } = state
  return {
    state,
    view: {
      workloads: meshWorkloads(objects),
      services: ofKind(objects, 'Service'),
      gateways: ofKind(objects, 'Gateway'),
      apiGateways: ownApiGateways(objects),
      proxyConfigs: ofKind(objects, 'ProxyConfig'),
    },
    blocking: blocking.map(formatProblem),
    errors: problems.filter(isError).map(formatProblem),
    dangling: relations.filter(isError).map(formatProblem),
  }
}

function isError({ severity }: Problem): boolean {
  return severity === 'error'
}
