import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { isBuilt, writeStamp, writeWhole } from './build-state.ts'

function folder(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'weft-build-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const name of ['a.ts', 'b.ts', 'out.mjs']) writeFileSync(join(root, name), name)
  return root
}

const later = (): number => Date.now() + 1_000
const inputs = ['a.ts', 'b.ts', 'missing.ts']
const outputs = ['out.mjs']

test('a build is spared while everything it read is as it was', (t) => {
  const root = folder(t)
  assert.equal(isBuilt(root, 'build.json', outputs), false, 'never built')
  writeStamp(root, 'build.json', inputs, later())
  assert.equal(isBuilt(root, 'build.json', outputs), true)
})

for (const [what, change] of [
  ['an input that was written', (root: string) => utimesSync(join(root, 'b.ts'), 1, 1)],
  ['an input that is gone', (root: string) => rmSync(join(root, 'a.ts'))],
  ['an input that was missing', (root: string) => writeFileSync(join(root, 'missing.ts'), '')],
  ['an output that is gone', (root: string) => rmSync(join(root, 'out.mjs'))],
  ['a stamp that was cut off', (root: string) => writeFileSync(join(root, 'build.json'), '{"inputs": [')],
] as const) {
  test(`${what} asks for a build`, (t) => {
    const root = folder(t)
    writeStamp(root, 'build.json', inputs, later())
    change(root)
    assert.equal(isBuilt(root, 'build.json', outputs), false)
  })
}

test('what was edited while the build ran is built again', (t) => {
  const root = folder(t)
  writeStamp(root, 'build.json', inputs, statSync(join(root, 'a.ts')).mtimeMs - 1)
  assert.equal(isBuilt(root, 'build.json', outputs), false)
})

test('a file that holds the same is left alone, and another one takes its place in one step', (t) => {
  const root = folder(t)
  const path = join(root, 'out.mjs')
  const before = statSync(path)
  assert.equal(writeWhole(path, 'out.mjs'), false)
  const { ino, mtimeMs } = statSync(path)
  assert.deepEqual([ino, mtimeMs], [before.ino, before.mtimeMs])
  assert.equal(writeWhole(path, Buffer.from('changed')), true)
  assert.notEqual(statSync(path).ino, before.ino, 'who has opened the old file reads it to its end')
  assert.deepEqual(readdirSync(root).sort(), ['a.ts', 'b.ts', 'out.mjs'])
})
