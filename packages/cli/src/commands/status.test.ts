import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { weft } from '../weft-under-test.ts'

test('a directory on which no mesh runs is told, whatever answers at the usual port', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-status-'))
  t.after(() => rmSync(dir, { recursive: true }))
  for (const args of [
    ['status'],
    ['config', 'web', 'routes'],
    ['get', 'services'],
    ['explain', '--from', 'web', 'GET', 'http://web/'],
  ]) {
    const { status, stderr } = weft([...args, '--dir', dir])
    assert.equal(status, 1, args[0])
    assert.ok(stderr.includes(`no mesh runs on ${dir}`), stderr)
  }
})
