// The mesh at one moment: immutable, named by its content. Positions are kept beside it (source-map.ts), so that moving a
// line changes no snapshot.
import { objectKey, type ObjectId } from '@weft/core'
import {
  contentHash,
  ofKind,
  type KindName,
  type MeshObject,
  type SpecByKind,
  type WorkloadInstance,
} from '@weft/resources'
import type { UnenforceablePolicy } from '../store/store-state.ts'
import type { MeshSettings } from './mesh-settings.ts'

/** Anything a view may refer to: its key and the hash of its content. */
export interface Ref {
  readonly key: string
  readonly hash: string
}

/** A configuration object without its positions. */
export interface SnapshotObject<S = unknown> extends Ref {
  readonly id: ObjectId
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly spec: S
}

/** A workload instance; its key is `instance/<namespace>/<name>`. */
export interface SnapshotInstance extends Ref {
  readonly value: WorkloadInstance
}

/** A security object that cannot be enforced; it denies what it selects. */
export interface SnapshotUnenforceable extends Ref {
  readonly value: UnenforceablePolicy
}

/** The configuration, sorted by key within each kind. The same reference while only instances change. */
export interface ConfigPart {
  readonly hash: string
  readonly settings: MeshSettings
  readonly objects: { readonly [K in KindName]: readonly SnapshotObject<SpecByKind[K]>[] }
  readonly unenforceable: readonly SnapshotUnenforceable[]
  /** Label keys that some rule asks of its caller, sorted: only these make callers differ. */
  readonly sourceLabelKeys: readonly string[]
}

/** The running workloads, sorted by key. The same reference while only configuration changes. */
export interface InstancePart {
  readonly hash: string
  readonly instances: readonly SnapshotInstance[]
}

/** Both parts. */
export interface MeshSnapshot {
  readonly version: string
  readonly config: ConfigPart
  readonly running: InstancePart
}

/** What a snapshot is made from. */
export interface SnapshotInput {
  readonly objects: readonly MeshObject[]
  readonly unenforceable: readonly UnenforceablePolicy[]
  readonly instances: readonly WorkloadInstance[]
  readonly settings: MeshSettings
}

const kinds: readonly KindName[] = [
  'AuthorizationPolicy',
  'DestinationRule',
  'Gateway',
  'PeerAuthentication',
  'Service',
  'VirtualService',
  'Workload',
]

/** Builds the snapshot of an input, sharing the parts of `previous` whose content did not change. */
export function buildSnapshot(input: SnapshotInput, previous?: MeshSnapshot): MeshSnapshot {
  const config = configPart(input, previous?.config)
  const running = instancePart(input.instances, previous?.running)
  if (previous !== undefined && config === previous.config && running === previous.running) return previous
  return { version: contentHash([config.hash, running.hash]), config, running }
}

/** The key of an instance's reference. */
function instanceKey(instance: Pick<WorkloadInstance, 'namespace' | 'name'>): string {
  return `instance/${instance.namespace}/${instance.name}`
}

function configPart(input: SnapshotInput, previous: ConfigPart | undefined): ConfigPart {
  const unenforceable = input.unenforceable
    .map((value) => ({ key: objectKey(value.id), hash: contentHash([value.id, value.selector]), value }))
    .sort(byKey)
  const refs = [...input.objects.map((object) => ({ key: objectKey(object.id), hash: object.hash })), ...unenforceable]
  const hash = contentHash([input.settings, refs.map((ref) => `${ref.key}@${ref.hash}`).sort()])
  if (previous !== undefined && previous.hash === hash) return previous
  const objects = Object.fromEntries(
    kinds.map((kind) => [kind, ofKind(input.objects, kind).map(withoutPositions).sort(byKey)]),
  ) as unknown as ConfigPart['objects']
  return { hash, settings: input.settings, objects, unenforceable, sourceLabelKeys: sourceLabelKeys(objects) }
}

function sourceLabelKeys({ VirtualService }: ConfigPart['objects']): string[] {
  const matches = VirtualService.flatMap(({ spec }) => [...spec.http, ...spec.tcp]).flatMap((rule) => rule.match ?? [])
  return [...new Set(matches.flatMap((match) => Object.keys(match.sourceLabels ?? {})))].sort()
}

function instancePart(values: readonly WorkloadInstance[], previous: InstancePart | undefined): InstancePart {
  const instances = values.map((value) => ({ key: instanceKey(value), hash: contentHash(value), value })).sort(byKey)
  const hash = contentHash(instances.map((instance) => `${instance.key}@${instance.hash}`))
  return previous !== undefined && previous.hash === hash ? previous : { hash, instances }
}

function withoutPositions<S>(object: MeshObject<S>): SnapshotObject<S> {
  const { id, hash, labels, annotations, spec } = object
  return { key: objectKey(id), hash, id, labels, annotations, spec }
}

function byKey(a: Ref, b: Ref): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0
}
