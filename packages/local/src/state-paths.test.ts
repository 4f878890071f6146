import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { emptyFolder, makeStateFolders, proxyFolder, statePaths } from './state-paths.ts'

test('a proxy of a new run finds nothing that a proxy of an earlier run kept', () => {
  const state = mkdtempSync(join(tmpdir(), 'weft-state-'))
  const dir = proxyFolder(state, 'web-0.shop')
  emptyFolder(dir)
  writeFileSync(join(dir, 'resources.pb'), 'of another address')
  emptyFolder(dir)
  assert.deepEqual(readdirSync(dir), [])
  assert.equal(statSync(dir).mode & 0o777, 0o700)
  rmSync(state, { recursive: true })
})

test('a directory that cannot hold the state is told with what to do', () => {
  const root = mkdtempSync(join(tmpdir(), 'weft-state-'))
  writeFileSync(join(root, '.weft'), 'a file')
  const made = makeStateFolders(statePaths(root))
  assert.ok(!made.ok && /cannot make .*\.weft: .*\. Make .* writable/.test(made.error), made.ok ? 'made' : made.error)
  rmSync(root, { recursive: true })
})
