// The whole translation without a control plane: files in, resource tables out. `weft explain DIR` and the golden tests use it.
import {
  isConfigured,
  loadFiles,
  type MeshObject,
  meshWorkloads,
  ofKind,
  planInstances,
  type Problem,
  type SourceFile,
  unplacedInstances,
  type WorkloadInstance,
} from '@weft/resources'
import type { ResourceTable } from '@weft/xds'
import type { BootstrapPatches } from './patches/bootstrap-patches.ts'
import type { GeneratorProblem, Loser, ProxyRef } from './generators/generator.ts'
import { findingsOf, Translator } from './generators/translator.ts'
import { proxyIdOf } from './proxy-identity.ts'
import { withDerived } from './snapshot/derive.ts'
import { buildSnapshot, type MeshSnapshot } from './snapshot/mesh-snapshot.ts'
import { defaultMeshSettings, type MeshSettings } from './snapshot/mesh-settings.ts'
import { type SourceMap, sourceMapOf } from './snapshot/source-map.ts'
import type { UnenforceablePolicy } from './store/store-state.ts'

/** A directory, translated as if every planned instance were ready. */
export interface OfflineMesh {
  readonly snapshot: MeshSnapshot
  /** What the snapshot was made from. */
  readonly objects: readonly MeshObject[]
  readonly instances: readonly WorkloadInstance[]
  /** The table of a proxy by id (`<instance>.<namespace>`); undefined for an id that no instance with a proxy has. */
  resourcesFor(proxyId: string): ResourceTable | undefined
  /** What EnvoyFilters change in the bootstrap of a proxy, were it an Envoy. */
  bootstrapFor(proxyId: string): BootstrapPatches | undefined
  readonly sourceMap: SourceMap
  /** Of all proxies, each once. */
  readonly losers: readonly Loser[]
  /** Findings about the files. Objects with errors are left out of the snapshot. */
  readonly problems: readonly Problem[]
  /** Those among them of instances that have no address and are left out. */
  readonly unplaced: readonly Problem[]
  /** Findings of the translation, of all proxies, each once. */
  readonly generatorProblems: readonly GeneratorProblem[]
}

/** How to translate. */
export interface OfflineOptions {
  readonly settings?: MeshSettings
  readonly flavor?: ProxyRef['flavor']
  readonly interception?: ProxyRef['interception']
  /** Instances to use instead of the planned ones. */
  readonly instances?: readonly WorkloadInstance[]
  readonly unenforceable?: readonly UnenforceablePolicy[]
}

/** Translates files. Never fails: what is wrong is in `problems`. */
export function buildOffline(files: readonly SourceFile[], options: OfflineOptions = {}): OfflineMesh {
  const { objects, problems } = loadFiles(files, options.flavor)
  const unplaced: Problem[] = []
  const planned =
    options.instances ??
    planInstances(meshWorkloads(objects), ofKind(objects, 'Service'), [], {
      onUnplaced: (workload, count) => unplaced.push(unplacedInstances(workload, count)),
    }).map((instance) => ({
      ...instance,
      ready: true,
    }))
  const settings = options.settings ?? defaultMeshSettings
  const derived = withDerived(objects)
  const snapshot = buildSnapshot({
    objects: derived.objects,
    unenforceable: options.unenforceable ?? [],
    instances: planned,
    settings,
  })
  const translator = new Translator()
  const translations = new Map(
    snapshot.running.instances
      .map(({ value }) => value)
      .filter(isConfigured)
      .map((instance) => {
        const id = proxyIdOf(instance)
        const { flavor = 'weft', interception = 'explicit' } = options
        return [id, translator.translate(snapshot, { id, instance, flavor, interception })] as const
      }),
  )
  const { losers, problems: found } = findingsOf(translations.values())
  return {
    snapshot,
    objects,
    instances: planned,
    resourcesFor: (proxyId) => translations.get(proxyId)?.table,
    bootstrapFor: (proxyId) => {
      const instance = planned.find((each) => isConfigured(each) && proxyIdOf(each) === proxyId)
      if (instance === undefined) return undefined
      return translator.bootstrapPatches({ id: proxyId, instance, flavor: 'envoy', interception: 'explicit' })
    },
    sourceMap: sourceMapOf(objects),
    losers,
    problems: [...problems, ...unplaced],
    unplaced,
    generatorProblems: [...derived.problems, ...found],
  }
}
