import { objectKey } from '@weft/core'
import { contentHash, isKind, type MeshObject } from '@weft/resources'

const marked = new WeakMap<MeshObject, MeshObject>()

/** All objects, with the entries of these keys marked as not ready. */
export function withReadiness(objects: readonly MeshObject[], unready: ReadonlySet<string>): readonly MeshObject[] {
  if (unready.size === 0) return objects
  return objects.map((object) =>
    isKind(object, 'WorkloadEntry') && unready.has(objectKey(object.id)) ? notReady(object) : object,
  )
}

function notReady(object: MeshObject<object>): MeshObject {
  let entry = marked.get(object)
  if (entry === undefined) {
    entry = { ...object, spec: { ...object.spec, unready: true }, hash: contentHash([object.hash, 'unready']) }
    marked.set(object, entry)
  }
  return entry
}
