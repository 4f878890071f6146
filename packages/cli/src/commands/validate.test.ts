import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadFiles } from '@weft/resources'
import { reported } from '../problem-report.ts'
import { printReport, type ValidateReport } from '../validate-report.ts'
import { type Run, weft as runWeft } from '../weft-under-test.ts'

const dir = mkdtempSync(join(tmpdir(), 'weft-validate-'))
after(() => rmSync(dir, { recursive: true }))

const weft = (args: readonly string[], input = ''): Run => runWeft(['validate', ...args], input)

const service = 'apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { ports: [{ port: 80 }] }\n'

test('weft validate reads files, directories and standard input, and says what would be refused', () => {
  writeFileSync(join(dir, 'good.yaml'), service)
  writeFileSync(join(dir, 'bad.yaml'), service.replace('80', '99999').replace('name: a', 'name: b'))
  const good = weft([join(dir, 'good.yaml')])
  assert.deepEqual(
    [good.status, good.stdout],
    [0, '1 valid object in 1 file: 0 errors, 0 warnings, 0 notes\n'],
    good.stderr,
  )
  const both = weft([dir, '-o', 'json'])
  const report = JSON.parse(both.stdout) as ValidateReport
  assert.deepEqual([both.status, report.objects, report.files], [1, 1, 2])
  assert.deepEqual(
    report.problems.map(({ code, istioCode, position, field }) => [code, istioCode, position?.file, field]),
    [['out-of-range', 'IST0106', 'bad.yaml', 'spec.ports[0].port']],
  )
  const piped = weft(['-'], service.replace('80', 'x'))
  assert.equal(piped.status, 1)
  assert.match(piped.stdout, /^-:4:19: error: Service default\/a: spec\.ports\[0\]\.port: must be a whole number/)
  assert.equal(piped.stdout.includes('\u001b'), false, 'no colours in a pipe')
})

test('weft validate does not ask what objects say of each other', () => {
  const rule =
    'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: a }\nspec: { host: nobody }\n'
  assert.equal(weft(['-'], rule).stdout, '1 valid object in 1 file: 0 errors, 0 warnings, 0 notes\n')
})

test('weft validate exits 2 on a wrong command line and shows an example in its help', () => {
  assert.equal(weft([]).status, 2)
  assert.equal(weft([join(dir, 'nowhere')]).status, 2)
  assert.match(weft(['--help']).stdout, /weft validate -/)
})

test('on a terminal findings are a table, in a pipe lines', () => {
  const shown = (isTTY: boolean): string[] => {
    let text = ''
    const { problems } = loadFiles([{ name: 'a.yaml', text: service.replace('80', 'x') }])
    printReport({ objects: 0, files: 1, problems: problems.map(reported) }, { isTTY, write: (more) => (text += more) })
    return text.split('\n')
  }
  assert.match(shown(true)[0] ?? '', /^PLACE +SEVERITY +OBJECT +FIELD +FINDING$/)
  assert.match(
    shown(true)[1] ?? '',
    /^a\.yaml:4:19 +error +Service default\/a +spec\.ports\[0\]\.port +must be a whole/,
  )
  assert.match(shown(false)[0] ?? '', /^a\.yaml:4:19: error: Service default\/a: spec\.ports\[0\]\.port: must be/)
  assert.equal(shown(true).at(-2), shown(false).at(-2), 'both are counted')
})
