import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatProblem } from '../format-problem.ts'
import { parseFile } from '../parse/parse-file.ts'
import { Analysis } from './analysis.ts'
import { analyzeWritten } from './analyze.ts'
import { checks } from './checks/index.ts'
import type { WrittenObject } from './written-object.ts'

const root = resolve(import.meta.dirname, '../../../..')

/** Objects of golden inputs, a few hundred, many of which refer to others or take the place of others. */
function pool(): WrittenObject[] {
  const files = globSync(['packages/resources/src/analyze/golden/*.yaml', 'packages/control/golden/**/*.yaml'], {
    cwd: root,
  })
  return files.sort().flatMap((name) => parseFile({ name, text: readFileSync(join(root, name), 'utf8') }).written)
}

test('after any history of changes, the findings are those of an analysis from nothing', () => {
  const objects = pool()
  assert.ok(objects.length > 100)
  const states = fc.array(fc.uniqueArray(fc.nat(objects.length - 1), { maxLength: 60 }), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(states, (history) => {
      const analysis = new Analysis()
      for (const picked of history) {
        const now = picked.map((index) => objects[index] as WrittenObject)
        analysis.update(now)
        assert.deepEqual(analysis.problems().map(formatProblem), analyzeWritten(now).map(formatProblem))
      }
    }),
    { numRuns: 20 },
  )
})

function mesh(services: number, timeoutOfFirst: string): WrittenObject[] {
  const one = (i: number): string => `apiVersion: v1
kind: Service
metadata: { name: s${i} }
spec: { selector: { app: s${i} }, ports: [{ name: http, port: 80 }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: s${i} }
spec: { hosts: [s${i}], http: [{ timeout: ${i === 0 ? timeoutOfFirst : '5s'}, route: [{ destination: { host: s${i}, subset: v1 } }] }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: s${i} }
spec: { host: s${i}, subsets: [{ name: v1, labels: { version: v1 } }] }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: s${i}, labels: { app: s${i}, version: v1 } }
spec: { command: [node], ports: [{ name: http, port: 80 }] }
`
  return Array.from({ length: services }, (_, i) => i).flatMap(
    (i) => parseFile({ name: `s${i}.yaml`, text: one(i) }).written,
  )
}

test('what a change has checked again does not grow with the mesh', () => {
  const work = [20, 200].map((services) => {
    const analysis = new Analysis()
    const first = analysis.update(mesh(services, '5s'))
    assert.deepEqual([first.changed, analysis.problems()], [services * 4, []])
    return analysis.update(mesh(services, '6s'))
  })
  assert.deepEqual(work[0], work[1])
  assert.deepEqual(work[0], { changed: 1, checked: 1 })
})

test('versions put in the place of others give the findings of an analysis from nothing; what is not there cannot be replaced', () => {
  const documents = (variants: readonly number[]): WrittenObject[] =>
    variants.flatMap((variant, i) => {
      const text = `${'#\n'.repeat(variant % 2)}apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: s${i} }
spec: { hosts: [s${i}], http: [{ route: [{ destination: { host: s${variant < 2 ? i : i + 1}, subset: ${variant < 3 ? 'v1' : 'v2'} } }] }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: s${i} }
spec: { host: s${variant === 4 ? 0 : i}, subsets: [{ name: v1, labels: { version: v1 } }] }
`
      return parseFile({ name: `s${i}.yaml`, text }).written
    })
  const services = mesh(4, '5s').filter(({ id }) => id.kind === 'Service' || id.kind === 'Workload')
  const variants = fc.array(fc.array(fc.nat(4), { minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(variants, (history) => {
      const analysis = new Analysis()
      let last = documents([0, 0, 0, 0])
      analysis.update([...services, ...last])
      for (const each of history) {
        const now = documents(each)
        const versions = now.map((object, index) => [last[index] as WrittenObject, object] as const)
        assert.ok(analysis.edit(versions) !== undefined)
        const found = analysis.problems().map(formatProblem)
        assert.deepEqual(found, analyzeWritten([...services, ...now]).map(formatProblem))
        const faulty = new Set(analysis.problems().map(({ objectId }) => objectId?.name))
        assert.deepEqual(new Set(analysis.faulty().map(({ id }) => id.name)), faulty)
        assert.equal(analysis.edit([[now[0] as WrittenObject, last[1] as WrittenObject]]), undefined, 'another object')
        assert.equal(
          analysis.edit([[{ ...(now[0] as WrittenObject) }, now[0] as WrittenObject]]),
          undefined,
          'not there',
        )
        last = now
      }
    }),
    { numRuns: 30 },
  )
})

test('an object that moves is told of at its new place, and nothing is checked again', () => {
  const text = 'apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { ports: [{ port: 1 }] }\n'
  const analysis = new Analysis()
  analysis.update(parseFile({ name: 'f', text }).written)
  assert.deepEqual(
    analysis.problems().map(({ position }) => position?.line),
    [4],
  )
  const moved = parseFile({ name: 'f', text: `# one\n# two\n---\n${text}` }).written
  assert.deepEqual(analysis.update(moved), { changed: 0, checked: 0 })
  assert.deepEqual(
    analysis.problems().map(({ position }) => position?.line),
    [7],
  )
})

test('no shape of an object makes a check throw', () => {
  const kinds = [...new Set(checks.flatMap((check) => check.kinds))].filter((kind) => kind !== '*')
  const words = fc.constantFrom(
    ...'hosts http tcp tls route destination host subset port number match uri prefix exact gateways servers selector matchLabels labels subsets trafficPolicy portLevelSettings ports name endpoints networks fromRegistry webhooks clientConfig service url template metadata spec containers env rules from source namespaces principals configPatches patch operation accessLogging providers retries attempts exportTo __proto__'.split(
      ' ',
    ),
  )
  const value = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom(null, true, 0, -1, 80, '', 'a', '*', '5s', '*.a.b', 'x/y', 'istio-proxy', 'REMOVE', 'STRICT'),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(words, tie('tree'), { maxKeys: 6 }),
    ),
  })).tree
  const object = fc.record({
    kind: fc.constantFrom(...kinds),
    name: fc.constantFrom('a', 'b'),
    spec: value,
    rest: value,
  })
  fc.assert(
    fc.property(fc.array(object, { minLength: 1, maxLength: 6 }), (objects) => {
      const written = objects.flatMap(({ kind, name, spec, rest }) => {
        const [short, ...group] = kind.split('.')
        const apiVersion = group.length === 0 ? 'v1' : `${group.join('.')}/v1`
        const extra = typeof rest === 'object' && rest !== null && !Array.isArray(rest) ? rest : { data: rest }
        const text = JSON.stringify({ ...extra, apiVersion, kind: short, metadata: { name }, spec })
        return parseFile({ name: 'f', text }).written
      })
      for (const { message, mend } of analyzeWritten(written)) assert.ok(message !== '' && mend !== '')
    }),
    { numRuns: 300 },
  )
})
