// The quick reader says what the full parser says, or nothing.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { isMap, isScalar, isSeq, type Node, parseAllDocuments } from 'yaml'
import type { PlaceNode } from './positions.ts'
import { readPlainYaml } from './plain-yaml.ts'

const root = resolve(import.meta.dirname, '../../../..')
const data = process.env['WEFT_TEST_DATA'] ?? resolve(root, '../shared/data')

/** What the full parser makes of a text, as plain values with keys as text; undefined when it finds fault. */
function full(text: string): { readonly value: unknown; readonly offset: number; readonly places: Places } | undefined {
  const parsed = parseAllDocuments(text, { prettyErrors: false, version: '1.2', schema: 'core', uniqueKeys: false })
  const documents = Array.isArray(parsed) ? parsed : []
  if (documents.length > 1 || documents.some(({ errors, warnings }) => errors.length + warnings.length > 0))
    return undefined
  const contents = documents[0]?.contents ?? null
  return { value: valueOf(contents), offset: contents?.range?.[0] ?? 0, places: placesOf(contents) }
}

type Places = PlaceNode['inside']

/** A member is where its key is, an item where it begins. */
function placesOf(node: Node | null): Places {
  if (isMap(node)) {
    return new Map(
      node.items.map((pair) => {
        const key = pair.key as Node | null
        const name = String((isScalar(key) ? key.value : null) ?? '')
        return [name, { offset: key?.range?.[0] ?? -1, inside: placesOf(pair.value as Node | null) }]
      }),
    )
  }
  if (!isSeq(node)) return undefined
  return new Map(
    node.items.map((item, index) => {
      const each = item as Node | null
      return [String(index), { offset: each?.range?.[0] ?? -1, inside: placesOf(each) }]
    }),
  )
}

function valueOf(node: Node | null): unknown {
  if (isMap(node)) {
    const entries = node.items.map((pair): [string, unknown] => {
      const key = pair.key as Node | null
      assert.ok(key === null || isScalar(key))
      return [String((isScalar(key) ? key.value : null) ?? ''), valueOf(pair.value as Node | null)]
    })
    assert.equal(new Set(entries.map(([key]) => key)).size, entries.length, 'a key twice')
    return Object.fromEntries(entries)
  }
  if (isSeq(node)) return node.items.map((item) => valueOf(item as Node | null))
  return isScalar(node) ? node.value : null
}

/** Documents as they are handed to the reader. */
function parts(text: string): string[] {
  return text.split(/^---[ ]*$\n?/m)
}

test('every YAML file there is reads the same, and most of them the quick way', () => {
  const seen = { quick: 0, slow: 0 }
  const files = [
    ...globSync(['examples/**/*.yaml', 'packages/**/golden/**/*.yaml', 'bench/**/*.yaml'], { cwd: root }).map((name) =>
      join(root, name),
    ),
    ...globSync(['istio-*/**/*.yaml', 'gateway-api/**/*.yaml'], { cwd: data }).map((name) => join(data, name)),
  ].filter((name) => !name.includes('node_modules') && !name.includes('/crds/'))
  for (const file of files) {
    for (const text of parts(readFileSync(file, 'utf8'))) {
      if (text.length > 100_000) continue
      const quick = readPlainYaml(text)
      if (quick === undefined) {
        seen.slow++
        continue
      }
      seen.quick++
      const { value, offset, places } = full(text) ?? assert.fail(`${file}: read the quick way although it is faulty`)
      assert.deepEqual(quick.value, value, file)
      if (value !== null) assert.equal(quick.offset, offset, file)
      assert.deepEqual(readPlainYaml(text, true)?.inside, places, file)
    }
  }
  assert.ok(seen.quick > 300 && seen.quick > 4 * seen.slow, JSON.stringify(seen))
})

test('whatever is put together from pieces of YAML reads the same or not the quick way', () => {
  const pieces =
    'a|b: |c:|- |-|  |\n|\n  |\n    |\n- |"x"|"x\\n"|\'it\'\'s\'|1|-2|0.5|1e3|0x1f|true|null|~|{|}|[|]|, |: |:| #c|#|&a |*a|!t |? |>|\\|%|@|key|http://x|2001:db8::|... |"a": |---|<<: |{ a: b }|[1, x]|é|\t'
      .split('|')
      .map((piece) => piece.replaceAll('\\n', '\n'))
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 24 }).map((some) => some.join(''))
  fc.assert(
    fc.property(fc.oneof(text, fc.string()), (some) => {
      if (/^---/m.test(some)) return
      const quick = readPlainYaml(some)
      if (quick === undefined) return
      let read: ReturnType<typeof full>
      try {
        read = full(some)
      } catch (error) {
        assert.fail(`${JSON.stringify(some)}: ${(error as Error).message}`)
      }
      assert.ok(read !== undefined, `${JSON.stringify(some)} is faulty, and was read as ${JSON.stringify(quick.value)}`)
      assert.deepEqual(quick.value, read.value, JSON.stringify(some))
      assert.deepEqual(readPlainYaml(some, true)?.inside, read.places, JSON.stringify(some))
    }),
    { numRuns: Number(process.env['WEFT_FUZZ'] ?? 20_000) },
  )
})
