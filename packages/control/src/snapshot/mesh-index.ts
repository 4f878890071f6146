// The mesh by topic (topics.ts), kept up to date by what changed. One instance follows one line of snapshots.
import type { KindName } from '@weft/resources'
import { hostOfService, hostsOfEntry } from './mesh-hosts.ts'
import {
  changesBetween,
  kinds,
  type MeshSnapshot,
  type Ref,
  type RefChanges,
  type SnapshotObject,
} from './mesh-snapshot.ts'
import { topicsOfInstance, topicsOfObject, topicsOfUnenforceable } from './topics.ts'

/** What one snapshot changed against the one before. */
export interface MeshChanges {
  /** Topics whose answer is another. */
  readonly topics: ReadonlySet<string>
  /** Objects that came, changed or went. */
  readonly objects: number
  /** Services, VirtualServices and instances that left (or changed) and came (or changed). */
  readonly items: ReadonlyMap<string, RefChanges<Ref>>
}

const none: readonly Ref[] = []

/** Finds what a view asks for without a search. */
export class MeshIndex {
  #mesh: MeshSnapshot | undefined
  readonly #lists = new Map<string, readonly Ref[]>()

  /** Follows to a snapshot. The work grows with what changed, apart from one comparison of references per object. */
  follow(mesh: MeshSnapshot): MeshChanges {
    const before = this.#mesh
    this.#mesh = mesh
    const topics = new Set<string>()
    let objects = 0
    const items = new Map<string, RefChanges<Ref>>()
    const take = <R extends Ref>(
      kind: string,
      changes: RefChanges<R>,
      topicsOf: (ref: R) => readonly string[],
    ): void => {
      if (changes.removed.length + changes.added.length > 0) items.set(kind, changes)
      const removed = this.#byTopic(changes.removed, topicsOf)
      const added = this.#byTopic(changes.added, topicsOf)
      for (const topic of new Set([...removed.keys(), ...added.keys()])) {
        topics.add(topic)
        this.#change(topic, removed.get(topic) ?? none, added.get(topic) ?? none)
      }
      objects += new Set([...changes.removed, ...changes.added].map(({ key }) => key)).size
    }
    for (const kind of kinds) {
      if (kind === 'ServiceEntry') continue
      const list = (of: MeshSnapshot | undefined): readonly SnapshotObject[] => listOf(of, kind)
      take(kind, changesBetween(list(before), list(mesh)), (object) => topicsOfObject(kind, object))
    }
    const { unenforceable } = mesh.config
    take('unenforceable', changesBetween(before?.config.unenforceable ?? [], unenforceable), topicsOfUnenforceable)
    take('Instance', changesBetween(before?.running.instances ?? [], mesh.running.instances), topicsOfInstance)
    return { topics, objects, items }
  }

  /** What answers a topic, sorted by key. The same list while nothing about the topic changed. */
  at(topic: string): readonly Ref[] {
    return this.#lists.get(topic) ?? none
  }

  #byTopic<R extends Ref>(refs: readonly R[], topicsOf: (ref: R) => readonly string[]): Map<string, R[]> {
    const found = new Map<string, R[]>()
    for (const ref of refs) {
      for (const topic of topicsOf(ref)) {
        const list = found.get(topic)
        if (list === undefined) found.set(topic, [ref])
        else list.push(ref)
      }
    }
    return found
  }

  #change(topic: string, removed: readonly Ref[], added: readonly Ref[]): void {
    const gone = new Set(removed)
    const left = gone.size === 0 ? this.at(topic) : this.at(topic).filter((ref) => !gone.has(ref))
    const next = merged(left, added)
    if (next.length === 0) this.#lists.delete(topic)
    else this.#lists.set(topic, next)
  }
}

const hostLists = new WeakMap<object, readonly SnapshotObject[]>()

/** The objects of a kind; hosts of ServiceEntries stand beside Services, as what can be called. */
function listOf(mesh: MeshSnapshot | undefined, kind: KindName): readonly SnapshotObject[] {
  if (mesh === undefined) return []
  const { objects } = mesh.config
  if (kind !== 'Service') return objects[kind]
  let hosts = hostLists.get(objects)
  if (hosts === undefined) {
    hosts = merged(objects.Service.map(hostOfService), objects.ServiceEntry.flatMap(hostsOfEntry)) as SnapshotObject[]
    hostLists.set(objects, hosts)
  }
  return hosts
}

/** Two lists sorted by key as one. */
export function merged(a: readonly Ref[], b: readonly Ref[]): readonly Ref[] {
  if (b.length === 0) return a
  if (a.length === 0) return b
  const all: Ref[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const left = a[i]
    const right = b[j]
    if (right === undefined || (left !== undefined && left.key <= right.key)) {
      if (left !== undefined) all.push(left)
      i++
      if (left === right) j++
    } else {
      all.push(right)
      j++
    }
  }
  return all
}
