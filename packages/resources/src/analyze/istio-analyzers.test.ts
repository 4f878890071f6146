// Istio's own analysis cases: every finding that is expected, and no other.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { parseFile } from '../parse/parse-file.ts'
import { analyzeWritten } from './analyze.ts'
import { checks } from './checks/index.ts'
import { codes } from './codes.ts'
import type { WrittenObject } from './written-object.ts'

const data = process.env['WEFT_TEST_DATA'] ?? resolve(import.meta.dirname, '../../../../../shared/data')
const folder = join(data, 'istio-analyzers')
const skip = existsSync(folder) ? false : `no test data in ${data}`

interface Case {
  readonly name: string
  readonly check: string
  readonly scope: readonly string[]
  readonly files: readonly string[]
  readonly meshConfig?: string
  readonly meshNetworks?: string
  readonly expect: readonly { readonly code: string; readonly resource: string }[]
}

/** Upstream looks for the workloads of a gateway in two checks; here that is one check, so its finding is given once. */
const together: Readonly<Record<string, readonly string[]>> = {
  'gateway-ports': ['gateway-workloads', 'gateway-ports'],
  'gateway-secrets': ['gateway-workloads', 'gateway-secrets'],
}

function read(file: string): string {
  return readFileSync(join(folder, file), 'utf8')
}

/** A setting of the mesh that upstream keeps in a file of its own, as the object it is. */
function setting(kind: string, name: string, file: string | undefined): WrittenObject[] {
  if (file === undefined) return []
  const text = `apiVersion: v1\nkind: ${kind}\nmetadata: { name: ${name}, namespace: istio-system }\n${read(file)}`
  return [...parseFile({ name: file, text }).written]
}

function findings({ files, check, scope, meshConfig, meshNetworks }: Case): string[] {
  const written = ['default-resources.yaml', ...files].flatMap((name) => parseFile({ name, text: read(name) }).written)
  const all = [
    ...written,
    ...setting('MeshConfig', 'meshconfig', meshConfig),
    ...setting('MeshNetworks', 'meshnetworks', meshNetworks),
  ]
  const run = together[check] ?? [check]
  return analyzeWritten(all, { checks: checks.filter(({ name }) => run.includes(name)) })
    .filter(({ code }) => scope.includes(code))
    .map(({ code, objectId }) => {
      const { kind, namespace, name } = objectId ?? { kind: '', namespace: '', name: '' }
      return `${code} ${kind} ${namespace === 'default' ? '' : `${namespace}/`}${name}`
    })
    .sort()
}

test("Istio's analysis cases give Istio's findings", { skip }, async (t) => {
  const { cases } = parse(read('cases.yaml')) as { readonly cases: readonly Case[] }
  assert.equal(cases.length, 52)
  for (const each of cases) {
    await t.test(each.name, () => {
      assert.ok(
        checks.some(({ name }) => name === each.check),
        `no check ${each.check}`,
      )
      const wanted = each.expect.map(({ code, resource }) => `${code} ${resource.replace(' default/', ' ')}`).sort()
      assert.deepEqual(findings(each), wanted)
    })
  }
})

test('every code of Istio is known by its name', { skip }, () => {
  const { codes: upstream } = parse(read('codes.yaml')) as { readonly codes: Record<string, { readonly name: string }> }
  const known = Object.entries(codes).filter(([code]) => code.startsWith('IST'))
  assert.deepEqual(
    Object.fromEntries(known.map(([code, { name }]) => [code, name])),
    Object.fromEntries(Object.entries(upstream).map(([code, { name }]) => [code, name])),
  )
})
