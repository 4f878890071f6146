// From origins to places in files. Lives beside a snapshot, never in it.
import { objectKey, type Origin, type Position } from '@weft/core'
import type { MeshObject } from '@weft/resources'

/** Where an origin was written. */
export interface SourceMap {
  /** The nearest written place; undefined for objects this map does not hold. */
  positionOf(origin: Origin): Position | undefined
  /** The origin (an object key) of every object, sorted. */
  keys(): readonly string[]
}

/** The source map of a set of objects. */
export function sourceMapOf(objects: readonly MeshObject[]): SourceMap {
  // Made when somebody asks: most snapshots are never asked about.
  let made: ReadonlyMap<string, MeshObject> | undefined
  const byKey = (): ReadonlyMap<string, MeshObject> =>
    (made ??= new Map(objects.map((object) => [objectKey(object.id), object])))
  return {
    positionOf(origin) {
      const hash = origin.indexOf('#')
      const object = byKey().get(hash < 0 ? origin : origin.slice(0, hash))
      return object?.positionOf(hash < 0 ? '' : origin.slice(hash + 1))
    },
    keys: () => [...byKey().keys()].sort(),
  }
}
