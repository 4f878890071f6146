import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '@weft/testkit/until'
import { listTree } from './list-tree.ts'
import { nodeFiles } from './node-files.ts'

test('an atomic write replaces the file, keeps its mode and leaves no temporary name', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'weft-files-'))
  const path = join(dir, 'a.json')
  assert.deepEqual(await nodeFiles.writeAtomic(path, Buffer.from('one'), 0o600), { ok: true })
  assert.deepEqual(await nodeFiles.writeAtomic(path, Buffer.from('two')), { ok: true })
  assert.equal(Buffer.from((await nodeFiles.read(path)) ?? []).toString(), 'two')
  assert.deepEqual(await nodeFiles.list(dir), ['a.json'])
  const failed = await nodeFiles.writeAtomic(join(dir, 'missing', 'b'), Buffer.from('x'))
  assert.equal(failed.ok, false)
  assert.equal(await nodeFiles.read(join(dir, 'nothing')), undefined)
  assert.equal(await nodeFiles.list(join(dir, 'nothing')), undefined)
  await rm(dir, { recursive: true })
})

test('a list of more than may be is refused, also when a link leads there', async () => {
  const root = await mkdtemp(join(tmpdir(), 'weft-list-'))
  await mkdir(join(root, 'many'))
  for (const name of ['a', 'b', 'c']) await writeFile(join(root, 'many', name), '')
  await mkdir(join(root, 'mesh'))
  await symlink(join(root, 'many'), join(root, 'mesh/link'))
  assert.deepEqual(await listTree(join(root, 'mesh'), undefined, 4), ['link/a', 'link/b', 'link/c'])
  await assert.rejects(listTree(join(root, 'mesh'), undefined, 3), /mesh has more than 3 files and directories/)
  await rm(root, { recursive: true })
})

test('a list follows links to files and directories, enters each directory once, and leaves hidden names out', async () => {
  const root = await mkdtemp(join(tmpdir(), 'weft-list-'))
  const dir = join(root, 'mesh')
  for (const each of ['mesh/sub', 'mesh/..data', 'mesh/node_modules', 'outside']) {
    await mkdir(join(root, each), { recursive: true })
    await writeFile(join(root, each, 'a.yaml'), 'x')
  }
  await symlink('..data/a.yaml', join(dir, 'mounted.yaml'))
  await symlink(join(root, 'outside'), join(dir, 'elsewhere'))
  await symlink('..', join(dir, 'sub', 'circle'))
  await symlink('nowhere', join(dir, 'dangling.yaml'))
  const dangling: string[] = []
  const files = await nodeFiles.list(dir, (name, target) => dangling.push(`${name} -> ${target}`))
  assert.deepEqual(files, ['elsewhere/a.yaml', 'mounted.yaml', 'sub/a.yaml'])
  assert.deepEqual(dangling, ['dangling.yaml -> nowhere'])
  await rm(root, { recursive: true })
})

test('a watch sees files renamed into place, in directories made later, and outlives its directory', async () => {
  const root = await mkdtemp(join(tmpdir(), 'weft-watch-'))
  const dir = join(root, 'mesh')
  let changes = 0
  const watcher = nodeFiles.watch(dir, () => {
    changes++
  })
  await mkdir(dir)
  await until(() => changes > 0)
  const step = async (act: () => Promise<unknown>): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    changes = 0
    await act()
    await until(() => changes > 0)
  }
  await step(() => writeFile(join(root, 'new'), 'x').then(() => rename(join(root, 'new'), join(dir, 'a.yaml'))))
  await step(() => mkdir(join(dir, 'sub')))
  await step(() => writeFile(join(dir, 'sub', 'b.yaml'), 'x'))
  await step(() => rename(dir, join(root, 'old')))
  await step(() => mkdir(dir))
  await step(() => writeFile(join(dir, 'c.yaml'), 'x'))
  watcher.close()
  await rm(root, { recursive: true })
})
