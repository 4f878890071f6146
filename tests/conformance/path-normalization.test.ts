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

/**
 * Cases answered otherwise. Envoy resolves dot segments with parameters since its fix of September 2026, after this data was
 * taken (istio/istio#61485 changes the same line upstream); Envoy 1.40 answers as we do.
 */
const different: ReadonlyMap<string, string> = new Map([['DECODE_AND_MERGE_SLASHES /..;/admin', '/admin']])

/**
 * Refused instead of shortened: a request target has no fragment (RFC 9112, section 3.2), and Envoy refuses one by default; Istio turns that
 * default off. A proxy that drops it sees another path than one that does not.
 */
const refusesFragments = 4

const skip = existsSync(file) ? false : `no test data at ${file}`

test('paths are normalised as Istio does it, and normalising twice changes nothing', { skip }, () => {
  const { cases } = parse(readFileSync(file, 'utf8')) as { readonly cases: readonly Case[] }
  assert.equal(cases.length, 345)
  assert.equal(cases.filter((one) => one.in.includes('#')).length, refusesFragments)
  for (const one of cases) {
    const mode = modes[one.mode] as PathNormalization
    const seen = normalizePath(one.in, mode)
    const label = `${one.mode} ${one.group} ${one.in}`
    if (one.status !== undefined || one.in.includes('#')) {
      assert.deepEqual(seen, { kind: 'reject' }, label)
      continue
    }
    const out = different.get(`${one.mode} ${one.in}`) ?? (one.out as string)
    assert.deepEqual(seen, { kind: 'path', path: out }, label)
    assert.deepEqual(normalizePath(out, mode), seen, `${label}, twice`)
  }
})
