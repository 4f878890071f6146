// A raw value as analysis reads it.
import { objectKey } from '@weft/core'
import { fieldsOf, labelsOf, textOf, type WrittenObject } from '../analyze/written-object.ts'
import { groupOf } from './context-kinds.ts'
import type { RawObject } from './decode-object.ts'
import { positionLookup } from './positions.ts'

/** The object as written, valid or not; undefined when it cannot be told which object it is. */
export function writtenObject({ value, place, lines }: RawObject): WrittenObject | undefined {
  const body = fieldsOf(value)
  const { apiVersion, kind } = body
  const metadata = fieldsOf(body['metadata'])
  const name = textOf(metadata['name'])
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || kind === '' || name === '') return undefined
  const namespace = textOf(metadata['namespace']) || 'default'
  const id = { cluster: '', group: groupOf(apiVersion), kind, namespace, name }
  return {
    id,
    key: objectKey(id),
    apiVersion,
    labels: labelsOf(metadata['labels']),
    annotations: labelsOf(metadata['annotations']),
    body,
    spec: fieldsOf(body['spec']),
    // Asked for only when an object was read again.
    get content() {
      return JSON.stringify(body)
    },
    positionOf: positionLookup(place, lines),
  }
}
