import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { changedNames } from '../layered-table.ts'
import { ResourceSet } from '../resource-set.ts'
import type { EncodedResource } from '../resource-table.ts'
import { OverlaidMap } from './overlaid-map.ts'
import type { Held } from './stream-state.ts'

function resource(name: string, version: string): EncodedResource {
  return { name, version, body: new Uint8Array([1]) }
}

function heldMap(): OverlaidMap<Held> {
  return new OverlaidMap<Held>((a, b) => a?.version === b?.version)
}

const names = Array.from({ length: 12 }, (_, index) => `n${index}`)

test('whatever it is laid over, it says what a plain map says', () => {
  const act = fc.record({
    what: fc.constantFrom('set', 'delete', 'table', 'lay', 'lay elsewhere'),
    name: fc.constantFrom(...names),
    version: fc.constantFrom('1', '2', '3'),
  })
  fc.assert(
    fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
      const plain = new Map<string, string>()
      const held = heldMap()
      let table = ResourceSet.empty()
      for (const { what, name, version } of acts) {
        if (what === 'set') {
          plain.set(name, version)
          held.set(name, { version })
        } else if (what === 'delete') {
          plain.delete(name)
          held.delete(name)
        } else if (what === 'table') {
          table = table.with([[name, version === '3' ? undefined : resource(name, version)]])
        } else {
          // A map of another line, of which nobody knows what changed.
          const next = what === 'lay' ? table : ResourceSet.empty().with(table)
          held.layOver(next, (earlier) => changedNames(earlier, next))
        }
        assert.equal(held.size, plain.size)
        for (const each of names) {
          assert.equal(held.get(each)?.version, plain.get(each))
          assert.equal(held.has(each), plain.has(each))
        }
        assert.deepEqual([...held.keys()].sort(), [...plain.keys()].sort())
        assert.deepEqual(
          new Map(Array.from(held.entries(), ([each, value]) => [each, value.version] as const)),
          new Map([...held.keys()].map((each) => [each, plain.get(each)])),
        )
      }
    }),
  )
})

test('who holds little of a large map keeps the little itself', () => {
  const held = heldMap()
  held.set('n1', { version: '1' })
  held.layOver(new Map(names.map((name) => [name, resource(name, '1')])), () => undefined)
  assert.deepEqual([held.ownSize, held.base.size], [1, 0])
})
