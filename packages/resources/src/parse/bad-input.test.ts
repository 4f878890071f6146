// Each file of golden/ holds mistakes; beside it stands what the user is told. UPDATE_GOLDEN=1 rewrites the latter.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { analyzeWritten } from '../analyze/analyze.ts'
import { formatProblem } from '../format-problem.ts'
import type { Problem } from '../mesh-object.ts'
import { loadFiles } from './load-files.ts'

function goldenTests(dir: string, judge: (name: string, text: string) => readonly Problem[]): void {
  const names = readdirSync(dir).filter((name) => /\.(yaml|json)$/.test(name))
  assert.ok(names.length > 0)
  for (const name of names) {
    test(`${name.replaceAll('-', ' ')} is told with place, field and mend`, () => {
      const problems = judge(name, readFileSync(join(dir, name), 'utf8'))
      assert.ok(problems.length > 0)
      for (const problem of problems) {
        assert.equal(problem.position?.file, name)
        assert.match(problem.mend, /\S\.$|\?$/, problem.message)
      }
      const told = `${problems.map(formatProblem).join('\n')}\n`
      const golden = join(dir, name.replace(/\.\w+$/, '.expected.txt'))
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, told)
      assert.equal(told, readFileSync(golden, 'utf8'))
    })
  }
}

goldenTests(join(import.meta.dirname, 'golden'), (name, text) => loadFiles([{ name, text }]).problems)

goldenTests(join(import.meta.dirname, '../analyze/golden'), (name, text) => {
  const { written, problems } = loadFiles([{ name, text }])
  assert.deepEqual(
    problems.filter(({ severity }) => severity === 'error'),
    [],
  )
  return analyzeWritten(written)
})
