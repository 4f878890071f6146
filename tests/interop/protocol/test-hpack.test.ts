import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodeFields, FieldDecoder } from './test-hpack.ts'

const dir = join(process.env['WEFT_TEST_DATA'] ?? join(import.meta.dirname, '../../../../shared/data'), 'hpack')

interface Story {
  readonly cases: readonly { readonly wire: string; readonly headers: readonly Readonly<Record<string, string>>[] }[]
}

test("the tests' own reader of HPACK reads what other encoders wrote", {
  skip: existsSync(dir) ? false : 'the stories of HPACK are not here',
}, () => {
  const files = globSync('{nghttp2,go-hpack,python-hpack,haskell*}/*.json', { cwd: dir })
  assert.ok(files.length >= 40)
  for (const file of files) {
    const decoder = new FieldDecoder()
    for (const { wire, headers } of (JSON.parse(readFileSync(join(dir, file), 'utf8')) as Story).cases) {
      assert.deepEqual(
        decoder.decode(Buffer.from(wire, 'hex')),
        headers.map((field) => Object.entries(field)[0]),
        file,
      )
    }
  }
})

test("the tests' own writer of HPACK is read back", () => {
  const fields = [
    [':path', '/'],
    ['x', 'y'.repeat(40_000)],
    ['empty', ''],
  ] as const
  assert.deepEqual(new FieldDecoder().decode(encodeFields(fields)), fields)
})
