import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

const settings = join(import.meta.dirname, 'v8-settings.ts')

/** Runs a script in a process of its own, which has what Node tests itself with; the last line of its output. */
function run(flags: readonly string[], script: string): unknown {
  const args = [...flags, '--expose-internals', '--disable-warning=ExperimentalWarning', '--no-warnings', '-e', script]
  const output = execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 })
  return JSON.parse(output.trim().split('\n').at(-1) ?? '')
}

const compiledAnew = `
  const { internalBinding } = require('internal/test/binding')
  import(${JSON.stringify(settings)}).then(() =>
    console.log(internalBinding('builtins').getCacheUsage().compiledWithoutCache.size))`

test('the settings leave the modules that a proxy needs of Node as Node carries them, compiled', () => {
  assert.equal(run(['--max-semi-space-size=2', '--no-parallel-scavenge'], compiledAnew), 0)
})

test('as flags on the command line they would have all of them compiled anew', () => {
  assert.ok((run(['--no-maglev'], compiledAnew) as number) > 20)
})

test('nothing is optimised before it is asked for, and then what runs often is, though not by Maglev', () => {
  const script = `
    const sum = (n) => { let all = 0; for (let i = 0; i < n; i += 1) all += i; return all }
    const optimised = () => (%GetOptimizationStatus(sum) & 16) !== 0
    const byMaglev = () => (%GetOptimizationStatus(sum) & 32) !== 0
    const work = async () => { for (let i = 0; i < 200 && !optimised(); i += 1) {
      for (let k = 0; k < 200; k += 1) sum(1_000)
      await new Promise((resolve) => setTimeout(resolve, 5))
    } }
    import(${JSON.stringify(settings)}).then(async ({ compileWhatIsHot }) => {
      await work()
      const before = optimised()
      compileWhatIsHot()
      await work()
      console.log(JSON.stringify([before, optimised(), byMaglev()]))
    })`
  assert.deepEqual(run(['--allow-natives-syntax'], script), [false, true, false])
})
