// Names of configuration objects, and where their values were written.

/** Identity of a configuration object across sources. `cluster` is the source cluster; '' on one machine. */
export interface ObjectId {
  readonly cluster: string
  readonly group: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  /** Of an object that was derived from a written one: origins are those of what was written. */
  readonly writtenAs?: WrittenAs
}

/** What an object was derived from. */
export interface WrittenAs {
  /** `objectKey` of the written object. */
  readonly key: string
  /** Field paths of the derived object, and of the written one; what is not listed belongs to the whole. */
  readonly paths: readonly (readonly [path: string, from: string])[]
}

/** A place in a source file; `line` and `column` count from 1. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}

/**
 * A stable pointer from an xDS resource to the configuration it came from: `group/kind/namespace/name#field.path`.
 * It holds no line numbers, so moving a line pushes nothing; the snapshot's source map turns it into a `Position`.
 */
export type Origin = string

/** `group/kind/namespace/name`, with `core` standing for the empty group. */
export function objectKey(id: ObjectId): string {
  return `${id.group === '' ? 'core' : id.group}/${id.kind}/${id.namespace}/${id.name}`
}

/** The identity that `objectKey` wrote, on one machine. */
export function idOfKey(key: string): ObjectId {
  const [group = '', kind = '', namespace = '', name = ''] = key.split('/')
  return { cluster: '', group: group === 'core' ? '' : group, kind, namespace, name }
}

/** The origin of a field of an object; `path` is like `spec.http[0].route[1].weight`, '' for the whole object. */
export function originOf(id: ObjectId, path: string): Origin {
  if (id.writtenAs !== undefined) return writtenOrigin(id.writtenAs, path)
  return path === '' ? objectKey(id) : `${objectKey(id)}#${path}`
}

/** The origin of the closest part that is known to come from somewhere. */
function writtenOrigin({ key, paths }: WrittenAs, path: string): Origin {
  let best: readonly [string, string] = ['', '']
  for (const pair of paths) {
    const [own] = pair
    const within = path === own || path.startsWith(`${own}.`) || path.startsWith(`${own}[`)
    if (within && own.length > best[0].length) best = pair
  }
  return best[1] === '' ? key : `${key}#${best[1]}`
}
