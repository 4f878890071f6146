// Values that were found, as changes of the request that is explained.
import { attributeReader } from '../match/attribute.ts'
import type { Subject } from '../request-head.ts'
import type { AttributeValue } from './found-values.ts'
import { changeOf } from './overlay.ts'
import type { RequestChange } from './proof.ts'

/** A change for each value that is not as it was. */
export function changesOf(way: readonly AttributeValue[], subject: Subject): readonly RequestChange[] {
  return way
    .filter((one) => one.more !== undefined || attributeReader(one.attribute)(subject) !== one.value)
    .map(changeTo)
    .filter((change) => change !== undefined)
}

function changeTo({ attribute, value, more }: AttributeValue): RequestChange | undefined {
  // By itself nobody takes a path away: it goes with the method, which becomes CONNECT.
  const isPath = attribute.name === 'request.path' || attribute.name === 'request.url_path'
  if (isPath && value === undefined) return { attribute: 'request.path', value }
  // An authority may be empty, which is not to be chosen lightly.
  if (attribute.name === 'request.host' && value === '') return { attribute: 'request.host', value }
  const change = changeOf(attribute, value)
  return change === undefined || more === undefined ? change : { ...change, more }
}
