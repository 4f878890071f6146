// A golden case shows a field when taking the field away changes what is sent, or the status where the case expects one. So no field is called effective that does nothing.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { allKinds, fieldRows, isWrittenAs, without, writes } from '@weft/resources'
import { parseAllDocuments } from 'yaml'
import { expectedFiles, goldenCase } from './golden-case.ts'

const root = join(import.meta.dirname, '../../golden')

/** Fields that change nothing that is sent, and why that is right. */
const silent: Readonly<Record<string, string>> = {
  'CircuitBreaker spec.targetRefs[].group': 'a Service either way, as long as it is the only kind to attach to',
  'CircuitBreaker spec.targetRefs[].kind': 'a Service either way, as long as it is the only kind to attach to',
  'Gateway spec.servers[].name': 'names a server for people',
  'GatewayClass spec.description': 'is for people',
  ...probed(
    ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'],
    ['httpGet.path', 'httpGet.host', 'httpGet.scheme', 'httpGet.httpHeaders[].name', 'httpGet.httpHeaders[].value'],
    ['tcpSocket.host', 'grpc.service'],
  ),
  'TLSRoute spec.rules[].name': 'names the rule for people',
  'TCPRoute spec.rules[].name': 'names the rule for people',
  'UDPRoute spec.rules[].name': 'names the rule for people',
  'XBackend spec.port.name': 'names the port for people',
  'XMesh spec.description': 'is for people',
  'WasmPlugin spec.type': 'HTTP is the only kind, and what is meant without it',
  ...Object.fromEntries(
    [
      'AuthorizationPolicy spec.targetRef.namespace',
      'AuthorizationPolicy spec.targetRefs[].namespace',
      'EnvoyFilter spec.targetRefs[].namespace',
      'RequestAuthentication spec.targetRef.namespace',
      'RequestAuthentication spec.targetRefs[].namespace',
      'Telemetry spec.targetRef.namespace',
      'Telemetry spec.targetRefs[].namespace',
      'WasmPlugin spec.targetRef.namespace',
      'WasmPlugin spec.targetRefs[].namespace',
    ].map((field) => [field, 'may only be empty, and means the own namespace either way']),
  ),
}

/** Entries of golden cases are nobody's to ask. */
function probed(...fields: readonly (readonly string[])[]): Record<string, string> {
  const why = 'asked of a network: prober.test.ts, tests/interop/envoy-mesh/kubernetes.test.ts'
  return Object.fromEntries(fields.flat().map((field) => [`WorkloadGroup spec.probe.${field}`, why]))
}

interface Case {
  readonly name: string
  readonly options: string
  readonly objects: readonly Readonly<Record<string, unknown>>[]
  readonly sent: string
}

/** What a case sends, or why its input is refused. */
function sent(name: string, text: string): string {
  const golden = goldenCase(name, text)
  const errors = golden.mesh.problems.filter(({ severity }) => severity === 'error')
  return errors.length > 0 ? JSON.stringify(errors) : JSON.stringify([...expectedFiles(golden)])
}

function readCases(): Case[] {
  return globSync('**/in.yaml', { cwd: root })
    .sort()
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8')
      const options = (text.match(/^# @.*$/gm) ?? []).join('\n')
      const documents = parseAllDocuments(text)
      const objects = Array.isArray(documents) ? documents.map((each) => each.toJS() as Case['objects'][0]) : []
      return { name: dirname(path), options, objects, sent: sent(dirname(path), inputOf(options, objects)) }
    })
}

function inputOf(options: string, objects: readonly unknown[]): string {
  return `${options}\n${objects.map((object) => JSON.stringify(object)).join('\n---\n')}\n`
}

test('taking an effective field out of a golden case changes what it sends', () => {
  const cases = readCases()
  const idle: string[] = []
  for (const definition of allKinds()) {
    if (definition.shownBy !== undefined) continue
    const rows = fieldRows(definition).filter(({ envoy, weft }) => envoy === 'effective' || weft === 'effective')
    // What holds other fields is shown by them.
    const leaves = rows.filter(({ path }, index) => rows[index + 1]?.path.startsWith(`${path}.`) !== true)
    for (const row of leaves) {
      const shown = cases.some((each) =>
        each.objects.some((object, index) => {
          if (!isWrittenAs(definition, object) || !writes(object, row)) return false
          const objects = each.objects.with(index, without(object, row) as Case['objects'][0])
          return sent(each.name, inputOf(each.options, objects)) !== each.sent
        }),
      )
      if (!shown) idle.push(`${definition.kind} ${row.path}`)
    }
  }
  assert.deepEqual(idle.sort(), Object.keys(silent).sort())
})
