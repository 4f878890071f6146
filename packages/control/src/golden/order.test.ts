// The order of documents and files, and what nobody reads, make no difference to what proxies get.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SourceFile } from '@weft/resources'
import { pushOrder } from '@weft/xds'
import { buildOffline } from '../build-offline.ts'

const golden = join(import.meta.dirname, '../../golden')
const cases = globSync('**/in.yaml', { cwd: golden })
  .sort()
  .map((name) => ({ name: dirname(name), text: readFileSync(join(golden, name), 'utf8') }))

function documentsOf(text: string): string[] {
  return text.split(/^---[ ]*$\n?/m).filter((document) => /^\w/m.test(document))
}

/** Every resource of every proxy, as bytes. */
function served(files: readonly SourceFile[], flavor: 'weft' | 'envoy'): Map<string, string> {
  const mesh = buildOffline(files, { flavor })
  const all = new Map<string, string>()
  for (const { name, namespace } of mesh.instances) {
    const id = `${name}.${namespace}`
    const table = mesh.resourcesFor(id)
    for (const type of pushOrder) {
      for (const resource of table?.get(type).values() ?? []) {
        all.set(`${id} ${type} ${resource.name}`, Buffer.from(resource.body).toString('base64'))
      }
    }
  }
  return all
}

function assertSame(name: string, one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): void {
  assert.deepEqual([...other.keys()].sort(), [...one.keys()].sort(), name)
  for (const [resource, bytes] of one) assert.ok(other.get(resource) === bytes, `${name}: ${resource} differs`)
}

test('equal input gives equal bytes, however documents are ordered and spread over files', () => {
  assert.ok(cases.length > 15)
  fc.assert(
    fc.property(fc.constantFrom(...cases), fc.infiniteStream(fc.nat(1_000_000)), ({ name, text }, draws) => {
      const draw = (): number => draws.next().value as number
      const shuffled = documentsOf(text)
        .map((document) => ({ document, rank: draw() }))
        .sort((a, b) => a.rank - b.rank)
      const files = new Map<string, string[]>()
      for (const { document, rank } of shuffled) {
        const file = `f${rank % 5}.yaml`
        files.set(file, [...(files.get(file) ?? []), document])
      }
      const spread = [...files].map(([file, documents]) => ({ name: file, text: documents.join('\n---\n') }))
      const flavor = draw() % 2 === 0 ? 'weft' : 'envoy'
      assertSame(name, served([{ name: 'in.yaml', text }], flavor), served(spread, flavor))
    }),
    { numRuns: 60 },
  )
})

test('lines that move and annotations that nobody reads push nothing', () => {
  let annotated = 0
  for (const { name, text } of cases) {
    const noted = documentsOf(text).map((document) =>
      `# moved\n\n${document}`.replace(/^(metadata: \{)(?! *annotations)/m, '$1 annotations: { example.com/note: "1" },'),
    )
    const files = [{ name: 'elsewhere.yaml', text: noted.join('\n---\n') }]
    if (/annotations:[^\n]*annotations:/.test(files[0]?.text ?? '')) continue
    annotated += noted.filter((document) => document.includes('example.com/note')).length
    assertSame(name, served([{ name: 'in.yaml', text }], 'weft'), served(files, 'weft'))
  }
  assert.ok(annotated > 50, String(annotated))
})
