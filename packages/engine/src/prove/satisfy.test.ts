import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Predicate, ValueTest } from '../predicate.ts'
import { subject } from '../subject-under-test.ts'
import { satisfy } from './satisfy.ts'

const asks = (name: 'request.url_path' | 'request.host' | 'source.principal', value: ValueTest): Predicate => ({
  op: 'test',
  attribute: { name },
  test: value,
})
const contains = (value: string): Predicate => asks('source.principal', { is: 'contains', value, ignoreCase: false })
const prefix = (value: string): Predicate => asks('request.url_path', { is: 'prefix', value, ignoreCase: false })

test('three changes are found among very many: what one condition needed another one seldom takes back', () => {
  const anybody: Predicate = { op: 'or', any: [contains('/ns/def'), contains('/ns/')] }
  const earlier: Predicate = {
    op: 'and',
    all: [
      anybody,
      {
        op: 'or',
        any: [asks('request.host', { is: 'exact', value: 'catalog', ignoreCase: true }), prefix('/books')],
      },
    ],
  }
  const wanted: Predicate[] = [
    asks('request.url_path', { is: 'suffix', value: 'books', ignoreCase: false }),
    {
      op: 'or',
      any: [
        { op: 'and', all: [{ op: 'or', any: [contains('/ns/default/'), contains('/ns/def')] }, contains('/ns/def')] },
        { op: 'and', all: [contains('/ns/other/'), contains('/ns/def')] },
      ],
    },
  ]
  const found = satisfy([{ op: 'not', not: earlier }, ...wanted], subject({ path: '/books', authority: 'Catalog' }))
  assert.deepEqual(found?.map(({ attribute }) => attribute).sort(), [
    'request.host',
    'request.url_path',
    'source.principal',
  ])
})
