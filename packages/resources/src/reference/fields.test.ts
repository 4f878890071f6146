// The reference of all fields is complete, fresh and true.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { goldenCases } from '../../scripts/golden-inputs.ts'
import { allKinds, definitionsOf } from '../definitions.ts'
import { fieldRows } from './field-status.ts'
import { fieldReference } from './field-table.ts'

const shownBy = goldenCases()

test('docs/reference/fields.md is what the schemas say: run packages/resources/scripts/fields.ts', () => {
  const file = readFileSync(join(import.meta.dirname, '../../../../docs/reference/fields.md'), 'utf8')
  assert.equal(file, fieldReference(allKinds(), shownBy))
})

test('every field has a line that says what it is for', () => {
  const silent = allKinds().flatMap((definition) =>
    fieldRows(definition)
      .filter(({ doc, value }) => value === undefined && !/^[A-Z`].*\.$/.test(doc))
      .map(({ path }) => `${definition.kind} ${path}`),
  )
  assert.deepEqual(silent, [])
})

test('every effective field is in the input of a golden case', () => {
  const unseen = allKinds().flatMap((definition) =>
    fieldRows(definition)
      .filter((row) => row.envoy === 'effective' && shownBy(definition, row) === undefined)
      .map(({ path }) => `${definition.kind} ${path}`),
  )
  assert.deepEqual(unseen, [])
})

test('no field of a security kind is merely reported', () => {
  const reported = allKinds()
    .filter((definition) =>
      ['PeerAuthentication', 'RequestAuthentication', 'AuthorizationPolicy', 'TrafficTarget'].includes(definition.kind),
    )
    .flatMap((definition) =>
      fieldRows(definition)
        .filter(({ envoy, weft }) => envoy === 'reported' || weft === 'reported')
        .map(({ path }) => `${definition.kind} ${path}`),
    )
  assert.deepEqual(reported, [])
})

/** Names that later versions of Istio have, beyond the list. */
const newer = ['RequestAuthentication spec.jwtRules[].presence']

test("the schemas have exactly the fields of Istio's API", () => {
  const listed = readFileSync(join(import.meta.dirname, 'istio-1.31-fields.txt'), 'utf8')
  const wanted = new Set(listed.split('\n').filter((line) => line !== '' && !line.startsWith('#')))
  const ours = new Set<string>()
  for (const kind of new Set([...wanted].map((line) => line.split(' ')[0] ?? ''))) {
    const [definition] = definitionsOf(kind)
    assert.ok(definition !== undefined, kind)
    for (const { path, value, doc } of fieldRows(definition)) {
      if (value === undefined && doc !== 'Not part of this kind.') ours.add(`${kind} ${path}`)
    }
  }
  assert.deepEqual(
    [...wanted].filter((path) => !ours.has(path)),
    [],
    'missing',
  )
  assert.deepEqual(
    [...ours].filter((path) => !wanted.has(path)),
    newer,
    'more',
  )
})
