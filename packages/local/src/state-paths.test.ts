import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { emptyFolder, proxyFolder } from './state-paths.ts'

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
