// How views look at the mesh: only through questions, each of which is remembered. So what a view depends on is known
// without anyone having to write it down, and a change visits exactly those that asked about it.
import type { KindName, SpecByKind } from '@weft/resources'
import { namedTopic } from '../gateway-api/topics.ts'
import { merged, type MeshIndex } from './mesh-index.ts'
import type { MeshSettings } from './mesh-settings.ts'
import type { Ref, SnapshotObject } from './mesh-snapshot.ts'
import { candidateTopics } from './topics.ts'

/** What policies and Services select: a workload, or an instance of it. */
export interface Selectable {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
}

/** Asks an index about topics and remembers which. What may be asked is in the classes that extend it. */
export abstract class TopicQuery {
  readonly settings: MeshSettings
  /** Topics asked about so far. */
  readonly asked = new Set<string>()
  readonly #index: MeshIndex

  constructor(index: MeshIndex, settings: MeshSettings) {
    this.#index = index
    this.settings = settings
  }

  /** The object of a kind by name; kinds without namespaces have ''. */
  named<K extends KindName>(kind: K, namespace: string, name: string): SnapshotObject<SpecByKind[K]> | undefined {
    return this.at<SnapshotObject<SpecByKind[K]>>(namedTopic(kind, namespace, name))[0]
  }

  /** Those workloads, and as if they were in the root namespace, whose policies hold for the whole mesh. */
  protected withRoot(targets: readonly Selectable[]): Selectable[] {
    const { rootNamespace } = this.settings
    return targets.flatMap((target) =>
      target.namespace === rootNamespace ? [target] : [target, { ...target, namespace: rootNamespace }],
    )
  }

  /** What selects by labels and may select any of these. */
  protected selecting<R extends Ref>(kind: string, targets: readonly Selectable[]): R[] {
    const topics = new Set(targets.flatMap(({ namespace, labels }) => candidateTopics(kind, namespace, labels)))
    return [...[...topics].map((topic) => this.at<R>(topic)).reduce<readonly Ref[]>(merged, [])] as R[]
  }

  /** What answers a topic, which is remembered as asked. */
  protected at<R extends Ref>(topic: string): readonly R[] {
    this.asked.add(topic)
    return this.#index.at(topic) as readonly R[]
  }
}
