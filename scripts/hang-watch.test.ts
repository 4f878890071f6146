import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

const hanging = `
import { spawn } from 'node:child_process'
import { test } from 'node:test'
test('ends', () => {})
test('waits for what never comes', async () => {
  // Holds the output of the file open, too.
  spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
  await new Promise(() => setInterval(() => {}, 1_000))
})
`

const leaving = `
import { createServer } from 'node:net'
import { test } from 'node:test'
test('leaves a server behind', () => void createServer().listen(0, '127.0.0.1'))
`

/** A run within a test is none: it takes a process of its own. */
const runner = `
import { run } from 'node:test'
import { watchForHangs } from ${JSON.stringify(join(import.meta.dirname, 'hang-watch.ts'))}
const found = { told: [], passed: [], failed: 0 }
const stream = run({ files: process.argv.slice(2), concurrency: 1, timeout: 60_000 })
const stop = watchForHangs(stream, { silentMs: 6_000, endingMs: 4_000, tell: (line) => found.told.push(line) })
stream.on('test:pass', ({ name }) => found.passed.push(name))
stream.on('test:fail', () => found.failed++)
for await (const _ of stream);
stop()
console.log(JSON.stringify(found))
`

test('a file that hangs is ended with all it started, named with the test, and the other files go on', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'hangs-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const [first, second, third, main] = ['a.test.mjs', 'b.test.mjs', 'c.test.mjs', 'run.mjs'].map((name) =>
    join(dir, name),
  ) as [string, string, string, string]
  writeFileSync(first, hanging)
  writeFileSync(second, `import { test } from 'node:test'\ntest('of another file', () => {})\n`)
  writeFileSync(third, leaving)
  writeFileSync(main, runner)
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { stdout } = await promisify(execFile)(process.execPath, [main, first, second, third], { env, timeout: 60_000 })
  const { told, passed, failed } = JSON.parse(stdout) as { told: string[]; passed: string[]; failed: number }
  assert.deepEqual(told, [
    `HANGS ${first} in: waits for what never comes; ended after 6 s without a sign`,
    `HANGS ${third} after its last test; ended after 4 s without a sign`,
  ])
  assert.deepEqual(passed, ['ends', 'of another file', 'leaves a server behind'])
  assert.ok(failed > 0)
})
