// The mesh at one moment: immutable, named by its content. Positions are kept beside it (source-map.ts), so that moving a
// line changes no snapshot.
import { objectKey, type ObjectId } from '@weft/core'
import {
  contentHash,
  groupOfKind,
  type KindName,
  type MeshConfig,
  meshConfigMap,
  type MeshObject,
  ofKind,
  readMeshConfig,
  type SpecByKind,
  type WorkloadInstance,
  writtenKind,
} from '@weft/resources'
import { addDigest, type Digest, digestText, emptyDigest, subtractDigest, textDigest } from '@weft/xds'
import type { UnenforceablePolicy } from '../store/store-state.ts'
import type { Elsewhere } from './elsewhere.ts'
import type { MeshSettings } from './mesh-settings.ts'
import { sameJson } from './same-json.ts'

/** Anything a view may refer to: its key and the hash of its content. The same object while both stay the same. */
export interface Ref {
  readonly key: string
  readonly hash: string
}

/** A configuration object without its positions. */
export interface SnapshotObject<S = unknown> extends Ref {
  readonly id: ObjectId
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** As in `MeshObject`: of two objects in conflict the older one holds. */
  readonly createdAt?: string
  /** As in `MeshObject`: what a status was observed of. */
  readonly generation?: number
  readonly spec: S
}

/** A workload instance; its key is `instance/<namespace>/<name>`. */
export interface SnapshotInstance extends Ref {
  readonly value: WorkloadInstance
  /** Set for what this mesh did not start; such instances are in no registry, and their keys are those of what tells of them. */
  readonly elsewhere?: Elsewhere
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

/** The kinds of configuration objects. */
export const kinds: readonly KindName[] = (Object.keys(groupOfKind) as KindName[]).sort()

/** Builds the snapshot of an input, sharing the parts, lists and objects of `previous` whose content did not change. */
export function buildSnapshot(input: SnapshotInput, previous?: MeshSnapshot): MeshSnapshot {
  const config = configPart(input, previous?.config)
  const running = instancePart(input.instances, previous?.running)
  if (previous !== undefined && config === previous.config && running === previous.running) return previous
  return { version: contentHash([config.hash, running.hash]), config, running }
}

/** What left a sorted list and what came to it; a changed object does both. */
export interface RefChanges<R extends Ref> {
  readonly removed: readonly R[]
  readonly added: readonly R[]
}

/** Compares two lists sorted by key, by reference. */
export function changesBetween<R extends Ref>(before: readonly R[], after: readonly R[]): RefChanges<R> {
  const removed: R[] = []
  const added: R[] = []
  if (before === after) return { removed, added }
  let b = 0
  let a = 0
  while (b < before.length || a < after.length) {
    const old = before[b]
    const next = after[a]
    if (old === next) {
      b++
      a++
    } else if (next === undefined || (old !== undefined && old.key <= next.key)) {
      if (old !== undefined) removed.push(old)
      b++
    } else {
      added.push(next)
      a++
    }
  }
  return { removed, added }
}

function configPart(input: SnapshotInput, previous: ConfigPart | undefined): ConfigPart {
  const unenforceable = shared(
    input.unenforceable.map((value) => ({
      key: objectKey(value.id),
      hash: contentHash([value.id, value.selector]),
      value,
    })),
    previous?.unenforceable,
  )
  const byKind = Map.groupBy(input.objects, ({ id }) => `${id.group}/${id.kind}`)
  const ofKind = (kind: KindName): readonly MeshObject[] =>
    byKind.get(`${groupOfKind[kind]}/${writtenKind(kind)}`) ?? []
  const objects = Object.fromEntries(
    kinds.map((kind) => [kind, shared(ofKind(kind).map(withoutPositions), previous?.objects[kind])]),
  ) as unknown as ConfigPart['objects']
  const wanted = withMeshConfig(input)
  const settings = previous !== undefined && sameJson(previous.settings, wanted) ? previous.settings : wanted
  if (previous !== undefined && settings === previous.settings && unenforceable === previous.unenforceable) {
    if (kinds.every((kind) => objects[kind] === previous.objects[kind])) return previous
  }
  const hash = contentHash([
    settings,
    digestText(listDigest(unenforceable)),
    ...kinds.map((kind) => digestText(listDigest(objects[kind]))),
  ])
  return { hash, settings, objects, unenforceable }
}

const configs = new WeakMap<MeshObject, MeshConfig>()

/** The settings with what the ConfigMap of the mesh says; it is read once while it stays the same. */
function withMeshConfig({ objects, settings }: SnapshotInput): MeshSettings {
  const map = ofKind(objects, 'ConfigMap').find(
    ({ id }) => id.name === meshConfigMap.name && id.namespace === settings.rootNamespace,
  )
  const text = map?.spec.data[meshConfigMap.key]
  if (map === undefined || text === undefined) return settings
  const config = configs.get(map) ?? readMeshConfig(text).config
  configs.set(map, config)
  return { ...settings, config }
}

function instancePart(values: readonly WorkloadInstance[], previous: InstancePart | undefined): InstancePart {
  const before = new Map(previous?.instances.map((instance) => [instance.key, instance]))
  const made = values.map((value) => {
    const key = `instance/${value.namespace}/${value.name}`
    const old = before.get(key)
    return old !== undefined && sameJson(old.value, value) ? old : { key, hash: contentHash(value), value }
  })
  const instances = shared(made, previous?.instances)
  if (previous !== undefined && instances === previous.instances) return previous
  return { hash: contentHash(digestText(listDigest(instances))), instances }
}

// An object is stripped of its positions once; while its file does not change it is the same object.
const stripped = new WeakMap<MeshObject, SnapshotObject>()

function withoutPositions<S>(object: MeshObject<S>): SnapshotObject<S> {
  const known = stripped.get(object)
  if (known !== undefined) return known as SnapshotObject<S>
  const { id, hash, labels, annotations, createdAt, generation, spec } = object
  const age = { ...(createdAt === undefined ? {} : { createdAt }), ...(generation === undefined ? {} : { generation }) }
  const made = { key: objectKey(id), hash, id, labels, annotations, ...age, spec }
  stripped.set(object, made)
  return made
}

/** Sorts by key and takes over what is the same in `previous`: single references, or the whole list. */
function shared<R extends Ref>(list: R[], previous: readonly R[] = []): readonly R[] {
  if (!list.every((ref, index) => index === 0 || (list[index - 1] as R).key <= ref.key)) list.sort(byKey)
  let at = 0
  const next = list.map((ref) => {
    let old = previous[at]
    for (; old !== undefined && old.key < ref.key; old = previous[++at]);
    return old !== undefined && old !== ref && old.key === ref.key && old.hash === ref.hash ? old : ref
  })
  if (next.length === previous.length && next.every((ref, index) => ref === previous[index])) return previous
  digestFrom(previous, next)
  return next
}

const digests = new WeakMap<readonly Ref[], Digest>()

function listDigest(list: readonly Ref[]): Digest {
  return digests.get(list) ?? digestFrom([], list)
}

/** The digest of a list from that of the one before: only what changed is hashed. */
function digestFrom(before: readonly Ref[], after: readonly Ref[]): Digest {
  const { removed, added } = changesBetween(before, after)
  let digest = digests.get(before) ?? before.reduce((sum, ref) => addDigest(sum, refDigest(ref)), emptyDigest)
  for (const ref of removed) digest = subtractDigest(digest, refDigest(ref))
  for (const ref of added) digest = addDigest(digest, refDigest(ref))
  digests.set(after, digest)
  return digest
}

function refDigest(ref: Ref): Digest {
  return textDigest(`${ref.key}@${ref.hash}`)
}

function byKey(a: Ref, b: Ref): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0
}
