// `npm run check`: format, lint, types, boundaries, tidiness, dead exports. One line per step; all run, any failure fails.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const bin = join(import.meta.dirname, '../node_modules/.bin')
const steps: [name: string, command: string, args: string[]][] = [
  ['format', 'biome', ['format', '--max-diagnostics=20', '.']],
  ['types', 'tsc', ['-p', '.']],
  ['lint and boundaries', 'oxlint', ['--type-aware', '--quiet', 'packages', 'examples', 'tests', 'bench', 'scripts']],
  ['tidy', 'node', [join(import.meta.dirname, 'tidy.ts')]],
  ['dead exports', 'knip', ['--no-progress']],
]

let failed = 0
for (const [name, command, args] of steps) {
  const started = performance.now()
  const result = spawnSync(join(bin, command), args, { cwd: join(import.meta.dirname, '..'), encoding: 'utf8' })
  const passed = result.status === 0
  console.log(`${passed ? 'ok  ' : 'FAIL'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`)
  if (passed) continue
  failed += 1
  console.log(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`)
}
process.exit(failed === 0 ? 0 : 1)
