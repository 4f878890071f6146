// Origins taken apart again.
import type { ObjectId, Origin } from '@weft/core'

/** The object and the field of an origin. */
export interface OriginParts {
  /** `objectKey` of the object. */
  readonly key: string
  readonly id: ObjectId
  /** '' for the whole object. */
  readonly field: string
}

/** Takes an origin apart; the kind of what is no object is ''. */
export function parseOrigin(origin: Origin): OriginParts {
  const hash = origin.indexOf('#')
  const key = hash < 0 ? origin : origin.slice(0, hash)
  const [group = '', kind = '', namespace = '', ...name] = key.split('/')
  const id = { cluster: '', group: group === 'core' ? '' : group, kind, namespace, name: name.join('/') }
  return { key, id, field: hash < 0 ? '' : origin.slice(hash + 1) }
}
