// Golden files: what is written, and what it is converted to. UPDATE_GOLDEN=1 rewrites them.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { test } from 'node:test'
import { stringify } from 'yaml'
import type { MeshObject } from '../mesh-object.ts'
import { formatProblem } from '../format-problem.ts'
import { parseFile } from '../parse/parse-file.ts'
import { type Conversion, documentOf } from './conversion.ts'
import { convert } from './convert.ts'

const golden = join(import.meta.dirname, 'golden')
const data = process.env['WEFT_TEST_DATA'] ?? resolve(import.meta.dirname, '../../../../../shared/data')
const skip = existsSync(data) ? false : `no test data in ${data}`

function objectsIn(file: string): MeshObject[] {
  const { objects } = parseFile({ name: basename(file), text: readFileSync(file, 'utf8') })
  return objects.flatMap(({ object }) => object ?? [])
}

/** Errors of the converted objects, which are to have none. */
function faultsOf(conversion: Conversion): string[] {
  return conversion.objects.flatMap((object) =>
    parseFile({ name: 'converted', text: JSON.stringify(documentOf(object)) })
      .problems.filter(({ severity }) => severity === 'error')
      .map((problem) => `${JSON.stringify(object.spec)}\n${formatProblem(problem)}`),
  )
}

for (const file of globSync('*.yaml', { cwd: golden }).filter((name) => !name.includes('.expected.'))) {
  test(`${file} is converted as expected`, () => {
    const conversion = convert(objectsIn(join(golden, file)), ['smi', 'ingress', 'istio'])
    assert.deepEqual(faultsOf(conversion), [])
    const text = [
      ...conversion.objects.map((object) =>
        stringify(documentOf(object), { lineWidth: 120, aliasDuplicateObjects: false }),
      ),
      stringify({
        notExpressed: conversion.notExpressed.map(
          ({ id, field, message }) => `${id.kind} ${id.name} ${field}: ${message}`,
        ),
      }),
    ].join('---\n')
    const expected = join(golden, file.replace('.yaml', '.expected.yaml'))
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(expected, text)
    assert.equal(text, readFileSync(expected, 'utf8'))
  })
}

test('origins of converted parts are places of the written object', () => {
  for (const file of globSync('*.yaml', { cwd: golden }).filter((name) => !name.includes('.expected.'))) {
    const objects = objectsIn(join(golden, file))
    for (const { origins, from } of convert(objects, ['smi', 'ingress', 'istio']).objects) {
      const written = objects.find(({ id }) => id.kind === from.kind && id.name === from.name)
      for (const [, path] of origins) {
        const [parent] = path.split(/[.[][^.[]*$/)
        assert.notDeepEqual(written?.positionOf(path), written?.positionOf(parent ?? ''), `${from.name} ${path}`)
      }
    }
  }
})

test('whatever Istio and SMI objects others wrote are converted to, it is valid', { skip }, () => {
  let converted = 0
  for (const file of globSync(['istio-samples/**/*.yaml', 'istio-crds/*.yaml', 'istio-analyzers/**/*.yaml'], {
    cwd: data,
  }).sort()) {
    const conversion = convert(objectsIn(join(data, file)), ['smi', 'ingress', 'istio'])
    assert.deepEqual(faultsOf(conversion), [], file)
    converted += conversion.objects.length
  }
  assert.ok(converted >= 60, `${converted} objects`)
})
