import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { programVersion } from '../process/entries.ts'
import { shardsOf } from './proxy-version.ts'

test('a gateway has a process per core, four at most, a sidecar one, and both what is asked for', () => {
  const cases = [1, 2, 4, 64].map((cores) => [
    shardsOf({ proxy: 'gateway' }, 'weft', cores),
    shardsOf({ proxy: 'sidecar' }, 'weft', cores),
  ])
  assert.deepEqual(cases, [
    [1, 1],
    [2, 1],
    [4, 1],
    [4, 1],
  ])
  assert.equal(shardsOf({ proxy: 'gateway', concurrency: 7 }, 'envoy', 2), 7)
  assert.equal(shardsOf({ proxy: 'sidecar', concurrency: 3 }, 'weft', 2), 3)
  assert.equal(shardsOf({ proxy: 'sidecar', concurrency: 0 }, 'envoy', 6), 6)
})

test('a program that was built again, or is started with other flags, has another version', () => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-version-'))
  const file = join(dir, 'proxy.mjs')
  writeFileSync(file, 'old')
  utimesSync(file, 1, 1)
  const entry = { command: 'node', args: ['--flag', file], env: { A: '1' } }
  const version = programVersion(entry)
  assert.equal(programVersion(entry), version)
  assert.notEqual(programVersion({ ...entry, args: ['--other', file] }), version)
  assert.notEqual(programVersion({ ...entry, env: {} }), version)
  utimesSync(file, 2, 2)
  assert.notEqual(programVersion(entry), version)
  rmSync(dir, { recursive: true })
  assert.notEqual(programVersion(entry), version, 'a file that is gone is no crash')
})
