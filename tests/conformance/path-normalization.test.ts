// The path that policies and the application see, as Istio's integration test states it for its four modes.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { normalizePath, type PathNormalization } from '@weft/engine'
import { parse } from 'yaml'

const file = join(
  process.env['WEFT_TEST_DATA'] ?? join(import.meta.dirname, '../../../shared/data'),
  'path-normalization/cases.yaml',
)

/** Istio's modes as it sets them in Envoy. */
const modes: Readonly<Record<string, PathNormalization>> = {
  NONE: { normalize: false, mergeSlashes: false, escapedSlashes: 'keep' },
  BASE: { normalize: true, mergeSlashes: false, escapedSlashes: 'keep' },
  MERGE_SLASHES: { normalize: true, mergeSlashes: true, escapedSlashes: 'keep' },
  DECODE_AND_MERGE_SLASHES: { normalize: true, mergeSlashes: true, escapedSlashes: 'unescape' },
}

interface Case {
  readonly mode: string
  readonly group: string
  readonly in: string
  readonly out?: string
  readonly status?: number
}

const skip = existsSync(file) ? false : `no test data at ${file}`

test('paths are normalised as Istio does it, and normalising twice changes nothing', { skip }, () => {
  const { cases } = parse(readFileSync(file, 'utf8')) as { readonly cases: readonly Case[] }
  assert.equal(cases.length, 345)
  for (const one of cases) {
    const mode = modes[one.mode] as PathNormalization
    const seen = normalizePath(one.in, mode)
    const label = `${one.mode} ${one.group} ${one.in}`
    if (one.status !== undefined) {
      assert.deepEqual(seen, { kind: 'reject' }, label)
      continue
    }
    assert.deepEqual(seen, { kind: 'path', path: one.out }, label)
    assert.deepEqual(normalizePath(one.out as string, mode), seen, `${label}, twice`)
  }
})
