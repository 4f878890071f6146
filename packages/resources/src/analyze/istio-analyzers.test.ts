// Istio's own analysis cases: what is covered must agree finding by finding; what is not is listed, and the list only shrinks.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import type { MeshObject, Problem } from '../mesh-object.ts'
import { parseFile } from '../parse/parse-file.ts'
import { analyze } from './analyze.ts'
import { istioCodeOf } from './istio-codes.ts'

const data = process.env['WEFT_TEST_DATA'] ?? resolve(import.meta.dirname, '../../../../../shared/data')
const folder = join(data, 'istio-analyzers')
const skip = existsSync(folder) ? false : `no test data in ${data}`

interface Case {
  readonly name: string
  readonly check: string
  readonly scope: readonly string[]
  readonly files: readonly string[]
  readonly meshConfig?: string
  readonly expect: readonly { readonly code: string; readonly resource: string }[]
}

/** Our findings that are what one check of Istio looks at. */
const checks: Readonly<Record<string, readonly string[]>> = {
  'virtual-service-host-conflicts': ['host-conflict'],
  'virtual-service-subsets': ['unknown-subset'],
  'virtual-service-gateways': ['unknown-gateway', 'host-not-on-gateway'],
  'destination-rule-ca': ['unverified-by-istio'],
  'service-entry-addresses': ['no-addresses'],
  'gateway-ports': ['selects-nothing'],
}

/** Covered cases by name; all others wait, for kinds (Pod, Namespace, MeshConfig, ...) or checks that are not there yet. */
const covered: readonly string[] = [
  'ServiceEntry Addresses Required Uppercase Protocol',
  'destinationrule with no cacert, mutual at destinationlevel',
  'destinationrule with no cacert, mutual at portlevel',
  'host defined in virtualservice not found in the gateway(beta version)',
  'virtualServiceConflictingMeshGatewayHostsWithExportTo',
  'virtualServiceDestinationRules',
]

function findings({ files, check, expect }: Case): string[] {
  const texts = ['default-resources.yaml', ...files].map((name) => ({
    name,
    text: readFileSync(join(folder, name), 'utf8'),
  }))
  const objects = texts.flatMap((file) =>
    parseFile(file).objects.flatMap(({ object }): MeshObject[] => (object === undefined ? [] : [object])),
  )
  const kinds = new Set(expect.map(({ resource }) => resource.split(' ')[0]))
  return analyze(objects)
    .filter(({ code, objectId }) => checks[check]?.includes(code) && (kinds.size === 0 || kinds.has(objectId?.kind)))
    .map(shown)
    .sort()
}

function shown(problem: Problem): string {
  const { kind, namespace, name } = problem.objectId ?? { kind: '', namespace: '', name: '' }
  return `${istioCodeOf(problem)} ${kind} ${namespace === 'default' ? '' : `${namespace}/`}${name}`
}

test("covered cases of Istio's analysis give Istio's findings", { skip }, () => {
  const { cases } = parse(readFileSync(join(folder, 'cases.yaml'), 'utf8')) as { readonly cases: readonly Case[] }
  const agreeing = cases.filter((each) => {
    if (checks[each.check] === undefined || each.meshConfig !== undefined) return false
    const wanted = each.expect.map(({ code, resource }) => `${code} ${resource.replace(' default/', ' ')}`).sort()
    return JSON.stringify(findings(each)) === JSON.stringify(wanted)
  })
  assert.deepEqual(agreeing.map(({ name }) => name).sort(), [...covered].sort())
  assert.equal(cases.length - covered.length, 46, 'cases not covered yet')
})
