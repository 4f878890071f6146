import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { AnalyzeReport } from './analyze.ts'

const dir = mkdtempSync(join(tmpdir(), 'weft-analyze-'))
after(() => rmSync(dir, { recursive: true }))

function weft(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const main = join(import.meta.dirname, '../main.ts')
  return spawnSync(process.execPath, [main, 'analyze', ...args], { encoding: 'utf8' })
}

test('weft analyze prints place, field and mend, as text and as JSON, and exits 1 on errors', () => {
  mkdirSync(join(dir, 'bad/mesh'), { recursive: true })
  const routes = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: a }
spec: { hosts: [a], http: [{ timout: 1s, route: [{ destination: { host: a } }] }] }
`
  writeFileSync(join(dir, 'bad/mesh/routes.yaml'), routes)
  writeFileSync(
    join(dir, 'bad/mesh/rule.yaml'),
    routes.replace(/Virtual.*/, 'DestinationRule').replace(/spec.*/, 'spec: { host: b }'),
  )
  const text = weft(join(dir, 'bad'))
  assert.equal(text.status, 1, text.stderr)
  assert.match(
    text.stdout,
    /^mesh\/routes\.yaml:4:30: error: VirtualService default\/a: spec\.http\[0\]\.timout: .*`timeout`/,
  )
  assert.match(
    text.stdout,
    /mesh\/rule\.yaml:4:9: error: DestinationRule default\/a: spec\.host: no Service is called b\.default/,
  )
  assert.equal(text.stdout.includes('\u001b'), false, 'no colours when standard output is no terminal')
  const json = weft(join(dir, 'bad'), '-o', 'json')
  const report = JSON.parse(json.stdout) as AnalyzeReport
  assert.deepEqual(
    [json.status, report.objects, report.problems.map(({ code }) => code)],
    [1, 1, ['unknown-field', 'unknown-host']],
  )
})

test('weft analyze exits 0 on a clean directory and 2 on a wrong command line', () => {
  mkdirSync(join(dir, 'good'))
  writeFileSync(
    join(dir, 'good/a.yaml'),
    'apiVersion: weft.dev/v1alpha1\nkind: Workload\nmetadata: { name: a }\nspec: { command: [node] }\n',
  )
  const good = weft(join(dir, 'good'))
  assert.deepEqual([good.status, good.stdout.split(' in ')[0]], [0, '1 objects'], good.stderr)
  assert.equal(weft(join(dir, 'nowhere')).status, 2)
  assert.equal(weft(join(dir, 'good'), '-o', 'xml').status, 2)
  assert.equal(weft().status, 2)
})
