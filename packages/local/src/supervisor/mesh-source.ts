// The YAML of a mesh as the supervisor needs it: workloads and services, read again when a file changes.
import { nodeRuntime } from '@weft/core/node'
import { formatProblem, loadFiles, type MeshObject, ofKind, type SourceFile } from '@weft/resources'
import type { GatewaySpec, ServiceSpec, WorkloadSpec } from '@weft/resources'
import { join, relative } from 'node:path'

const nodeFiles = nodeRuntime().files

/** What runs and how it is named. */
export interface MeshView {
  readonly workloads: readonly MeshObject<WorkloadSpec>[]
  readonly services: readonly MeshObject<ServiceSpec>[]
  readonly gateways: readonly MeshObject<GatewaySpec>[]
}

/** A reading of all files. */
export interface MeshReading {
  readonly view: MeshView
  /** Lines for people, one per error; the objects they are about are not in `view`. */
  readonly errors: readonly string[]
  /** Keys `kind/namespace/name` of objects that are written but in error, so that nobody takes them for removed. */
  readonly broken: ReadonlySet<string>
  /** A file could not be read as objects at all: what is missing in `view` may be in there. */
  readonly unreadable: boolean
}

/** Reads all .yaml and .yml files below `dir`; names in messages are relative to `shownFrom`. */
export async function readMesh(dir: string, shownFrom: string): Promise<MeshReading> {
  const names = (await nodeFiles.list(dir)).filter(isMeshFile)
  const files: SourceFile[] = []
  for (const name of names) {
    const bytes = await nodeFiles.read(join(dir, name))
    if (bytes !== undefined) {
      files.push({ name: relative(shownFrom, join(dir, name)), text: Buffer.from(bytes).toString('utf8') })
    }
  }
  const { objects, problems } = loadFiles(files)
  const errors = problems.filter(({ severity }) => severity === 'error')
  const ids = errors.flatMap(({ objectId }) => (objectId === undefined ? [] : [objectId]))
  return {
    view: {
      workloads: ofKind(objects, 'Workload'),
      services: ofKind(objects, 'Service'),
      gateways: ofKind(objects, 'Gateway'),
    },
    errors: errors.map(formatProblem),
    broken: new Set(ids.map(({ kind, namespace, name }) => `${kind}/${namespace}/${name}`)),
    unreadable: errors.some(({ objectId }) => objectId === undefined),
  }
}

/** What goes on running after a change: a bad object keeps its last good version, its siblings apply. */
export function mergeViews(previous: MeshView, reading: MeshReading): MeshView {
  const merge = <S>(old: readonly MeshObject<S>[], now: readonly MeshObject<S>[]): readonly MeshObject<S>[] => {
    const present = new Set(now.map(keyOf))
    const kept = old.filter((object) => {
      const key = keyOf(object)
      return !present.has(key) && (reading.unreadable || reading.broken.has(key))
    })
    return [...now, ...kept]
  }
  const { view } = reading
  return {
    workloads: merge(previous.workloads, view.workloads),
    services: merge(previous.services, view.services),
    gateways: merge(previous.gateways, view.gateways),
  }
}

/** Calls back with a new reading after the files stayed unchanged for `settleMs`. */
export function watchMesh(
  dir: string,
  shownFrom: string,
  settleMs: number,
  onReading: (reading: MeshReading) => void,
): { close(): void } {
  let timer: NodeJS.Timeout | undefined
  let closed = false
  const read = async (): Promise<void> => {
    const reading = await readMesh(dir, shownFrom).catch(() => undefined)
    if (reading !== undefined && !closed) onReading(reading)
  }
  const watcher = nodeFiles.watch(dir, () => {
    clearTimeout(timer)
    timer = setTimeout(() => void read(), settleMs)
  })
  return {
    close() {
      closed = true
      clearTimeout(timer)
      watcher.close()
    },
  }
}

function isMeshFile(name: string): boolean {
  const parts = name.split('/')
  return /\.ya?ml$/.test(name) && !parts.some((part) => part.startsWith('.') || part === 'node_modules')
}

function keyOf({ id }: MeshObject): string {
  return `${id.kind}/${id.namespace}/${id.name}`
}
