import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

const weft = join(import.meta.dirname, '../dist/weft.mjs')

test('under a Node that is too old the bundle says so in one sentence, with the mend', () => {
  const older = "Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})"
  const args = ['--import', `data:text/javascript,${encodeURIComponent(older)}`, weft, 'status']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  assert.deepEqual([status, stdout], [1, ''])
  assert.match(stderr, /^weft: this is Node 20\.20\.2, and the program needs Node 24 or newer: run npx weft .*\n$/)
})

test('under the Node that it is written for it runs', () => {
  assert.equal(spawnSync(process.execPath, [weft, '--version'], { encoding: 'utf8' }).status, 0)
})
