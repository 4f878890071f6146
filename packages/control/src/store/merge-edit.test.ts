import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type FileRecord, updateTable } from './file-table.ts'
import { type Accepted, merge, type MergeInput } from './merge.ts'
import { type LastMerge, mergeEdit } from './merge-edit.ts'

function service(name: string, port: number): string {
  return `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { ports: [{ port: ${port} }] }\n`
}

function routes(name: string, host: string, timeout: number): string {
  return `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: ${name} }\nspec: { hosts: [${host}], http: [{ timeout: ${timeout}s, route: [{ destination: { host: a } }] }] }\n`
}

const documents = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom(80, 81, 99999)).map(([n, p]) => service(n, p)),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('r', 'q'), fc.constantFrom('a', 'b'), fc.constantFrom(1, 2))
      .map(([name, host, timeout]) => routes(name, host, timeout)),
  },
  fc.constantFrom('# nothing\n', 'a: [\n', 'kind: Service\n'),
)

interface Step {
  readonly what: 'edit' | 'move' | 'write' | 'remove'
  readonly file: string
  readonly list: readonly string[]
  readonly number: string
  readonly waitMs: number
}

/** Most steps edit what there is; the others write a file anew, or remove it. */
const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom('edit', 'edit', 'edit', 'move', 'write', 'remove'),
  file: fc.constantFrom('f', 'g', 'h'),
  list: fc.array(documents, { minLength: 1, maxLength: 3 }),
  number: fc.constantFrom('80', '81', '82'),
  waitMs: fc.constantFrom(0, 50, 200),
})

function textAfter({ what, list, number }: Step, before: string): string | undefined {
  if (what === 'remove') return undefined
  if (what === 'write') return list.join('---\n')
  if (what === 'move') return `# moved\n${before}`
  return before.replace(/port: 8\d|timeout: \ds/, (it) =>
    it.endsWith('s') ? `timeout: ${number.at(-1)}s` : `port: ${number}`,
  )
}

function mergeInput(texts: ReadonlyMap<string, string>, last: LastMerge | undefined, nowMs: number): MergeInput {
  const accepted = last?.output.accepted ?? new Map<string, Accepted>()
  const sources = Array.from(texts, ([name, text]) => ({ name, text }))
  const files = updateTable(last?.files ?? new Map<string, FileRecord>(), sources, accepted, nowMs)
  return { files, accepted, denied: new Set(), withheld: new Map(), nowMs }
}

test('an edit merged by itself is what a merge of everything says, whatever went before', () => {
  let alone = 0
  const run = (steps: readonly Step[]): void => {
    const texts = new Map([
      ['f', [service('a', 80), routes('r', 'a', 1)].join('---\n')],
      ['g', service('b', 80)],
    ])
    let nowMs = 0
    const first = mergeInput(texts, undefined, nowMs)
    let last: LastMerge = { files: first.files, output: merge(first) }
    for (const each of steps) {
      const text = textAfter(each, texts.get(each.file) ?? '')
      if (text === undefined) texts.delete(each.file)
      else texts.set(each.file, text)
      nowMs += each.waitMs
      const input = mergeInput(texts, last, nowMs)
      const whole = merge(input)
      const edited = mergeEdit(input, last)
      if (edited !== undefined) {
        alone++
        assert.deepEqual(edited, whole)
        assert.deepEqual([...edited.accepted.keys()], [...whole.accepted.keys()])
      }
      last = { files: input.files, output: edited ?? whole }
    }
  }
  fc.assert(fc.property(fc.array(step, { maxLength: 12 }), run), { numRuns: 300 })
  assert.ok(alone > 300, `${alone} edits were merged by themselves`)
})

test('an edit that is refused, claims another host, or adds an object is for the merge of everything', () => {
  const first = mergeInput(new Map([['f', routes('r', 'a', 1)]]), undefined, 0)
  const last = { files: first.files, output: merge(first) }
  const alone = (text: string): boolean => mergeEdit(mergeInput(new Map([['f', text]]), last, 0), last) !== undefined
  assert.deepEqual(
    [
      routes('r', 'a', 2),
      `# moved\n${routes('r', 'a', 1)}`,
      routes('r', 'b', 1),
      `${routes('r', 'a', 1)}---\n${service('a', 80)}`,
      routes('r', 'a', 1).replace('1s', '1x'),
      '',
    ].map(alone),
    [true, true, false, false, false, false],
  )
})
