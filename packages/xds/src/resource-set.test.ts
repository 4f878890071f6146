import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { changedNames, layeredTable } from './layered-table.ts'
import { ResourceSet } from './resource-set.ts'
import type { EncodedResource } from './resource-table.ts'
import { digestText } from './set-digest.ts'

function resource(name: string, version: string): EncodedResource {
  return { name, version, body: new Uint8Array() }
}

type Change = readonly [name: string, version: string | undefined]

const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.tuple(
    fc.nat(300).map((index) => `n${index}`),
    fc.option(fc.constantFrom('1', '2', '3'), { nil: undefined }),
  ),
  { maxLength: 400, size: 'max' },
)

function applied(set: ResourceSet, list: readonly Change[]): ResourceSet {
  return set.with(
    list.map(([name, version]) => [name, version === undefined ? undefined : resource(name, version)] as const),
  )
}

function pairs(map: ReadonlyMap<string, EncodedResource>): string[] {
  return [...map].map(([name, { version }]) => `${name}@${version}`)
}

test('a set equals a map after any changes, iterates by name, and its digest knows only what is in it', () => {
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 6 }), (rounds) => {
      let set = ResourceSet.empty()
      const model = new Map<string, string>()
      for (const round of rounds) {
        set = applied(set, round)
        for (const [name, version] of round) {
          if (version === undefined) model.delete(name)
          else model.set(name, version)
        }
        assert.deepEqual(pairs(set), [...model].map(([name, version]) => `${name}@${version}`).sort(byName))
        assert.equal(set.size, model.size)
      }
      const fresh = applied(ResourceSet.empty(), [...model])
      assert.equal(digestText(set.digest), digestText(fresh.digest))
      assert.equal(set.has('n0'), model.has('n0'))
    }),
    { numRuns: 60, seed: 5 },
  )
})

function byName(a: string, b: string): number {
  const name = (text: string): string => text.slice(0, text.indexOf('@'))
  return name(a) < name(b) ? -1 : 1
}

test('changed names hold every difference between any two sets of one line, and none where nothing changed', () => {
  fc.assert(
    fc.property(fc.array(changes, { minLength: 1, maxLength: 6 }), fc.nat(), (rounds, pick) => {
      const line = [ResourceSet.empty()]
      for (const round of rounds) line.push(applied(line.at(-1) as ResourceSet, round))
      const last = line.at(-1) as ResourceSet
      const earlier = line[pick % line.length] as ResourceSet
      const named = last.changedSince(earlier)
      assert.ok(named !== undefined)
      for (let index = 0; index <= 300; index++) {
        const name = `n${index}`
        if (last.get(name)?.version !== earlier.get(name)?.version) assert.ok(named.includes(name), name)
      }
      assert.deepEqual(last.changedSince(last), [])
      if (earlier !== last) assert.equal(earlier.changedSince(last), undefined, 'nobody goes back in time')
    }),
    { numRuns: 60, seed: 6 },
  )
})

test('a change of one name among ten thousand names only that one, and the same version again changes nothing', () => {
  const many = applied(
    ResourceSet.empty(),
    Array.from({ length: 10_000 }, (_, index) => [`n${index}`, '1'] as const),
  )
  assert.equal(applied(many, [['n7', '1']]), many)
  const next = applied(many, [['n7', '2']])
  assert.deepEqual(next.changedSince(many), ['n7'])
  assert.equal(next.changedSince(ResourceSet.empty()), undefined, 'another line')
})

test('two successors of one set do not mix up their changes', () => {
  const base = applied(ResourceSet.empty(), [['a', '1']])
  const left = applied(base, [['a', '2']])
  const right = applied(base, [['b', '2']])
  assert.deepEqual(left.changedSince(base), ['a'])
  assert.equal(right.changedSince(base), undefined)
  assert.equal(right.changedSince(left), undefined)
})

test('the log of changes is bounded: who is too far behind has to compare', () => {
  const base = applied(ResourceSet.empty(), [['a', '1']])
  let set = base
  for (let round = 0; round < 100; round++) set = applied(set, [['a', `v${round}`]])
  assert.equal(set.changedSince(base), undefined)
})

test('layers are seen as one: the first has a name, sizes count it once, and versions follow the content', () => {
  const type = 'T'
  const top = applied(ResourceSet.empty(), [['a', 'top']])
  const rest = applied(ResourceSet.empty(), [
    ['a', 'hidden'],
    ['b', '1'],
  ])
  const table = layeredTable([new Map([[type, top]]), new Map([[type, rest]])], undefined)
  const map = table.get(type)
  assert.deepEqual(pairs(map), ['a@top', 'b@1'])
  assert.deepEqual([map.size, map.get('a')?.version, map.has('c')], [2, 'top', false])
  const changed = applied(rest, [['b', '2']])
  const after = layeredTable([new Map([[type, top]]), new Map([[type, changed]])], table)
  assert.deepEqual(changedNames(map, after.get(type)), ['b'])
  assert.notEqual(after.versionOf(type), table.versionOf(type))
  const again = layeredTable([new Map([[type, top]]), new Map([[type, rest]])], table)
  assert.equal(again.get(type), map, 'what did not change is the same map')
  assert.equal(table.get('other').size, 0)
})
