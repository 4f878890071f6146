// The whole translation without a control plane: files in, resource tables out. `weft explain DIR` and the golden tests use it.
import type { Problem, SourceFile, WorkloadInstance } from '@weft/resources'
import type { ResourceTable } from '@weft/xds'
import type { GeneratorProblem, Loser, ProxyRef } from './generators/generator.ts'
import type { MeshSettings } from './snapshot/mesh-settings.ts'
import type { MeshSnapshot } from './snapshot/mesh-snapshot.ts'
import type { SourceMap } from './snapshot/source-map.ts'

/** A directory, translated as if every planned instance were ready. */
export interface OfflineMesh {
  readonly snapshot: MeshSnapshot
  readonly instances: readonly WorkloadInstance[]
  /** The table of a proxy by id (`<instance>.<namespace>`); undefined for an id that no instance with a proxy has. */
  resourcesFor(proxyId: string): ResourceTable | undefined
  readonly sourceMap: SourceMap
  /** Of all proxies, each once. */
  readonly losers: readonly Loser[]
  /** Findings about the files. */
  readonly problems: readonly Problem[]
  /** Findings of the translation, of all proxies, each once. */
  readonly generatorProblems: readonly GeneratorProblem[]
}

/** How to translate. */
export interface OfflineOptions {
  readonly settings?: MeshSettings
  readonly flavor?: ProxyRef['flavor']
  readonly interception?: ProxyRef['interception']
}
