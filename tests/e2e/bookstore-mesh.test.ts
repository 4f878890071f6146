// The check table, as a test: the bookstore behind the mesh, seen from outside.
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { checks } from '../../examples/bookstore/check.ts'
import { eventually, lockMachine, startMesh, type MeshUnderTest } from './mesh-under-test.ts'
import { descendantsOf, isAlive, processesNaming } from './process-tree.ts'

let mesh: MeshUnderTest
let unlock: () => Promise<void>

describe('the bookstore behind the mesh', () => {
  before(async () => {
    unlock = await lockMachine()
    mesh = await startMesh()
  })
  after(async () => {
    await mesh?.stop()
    await unlock()
  })

  for (const check of checks) {
    test(`${check.name}: ${check.expected}`, async () => {
      const { seen, ok } = await check.run(mesh.context)
      assert.ok(ok, seen)
    })
  }

  test('whatever is written is written below .weft', () => {
    assert.ok(existsSync(`${mesh.directory.path}/.weft`))
    const known = [
      '.weft',
      'README.md',
      'check.ts',
      'checks',
      'mesh',
      'node_modules',
      'package.json',
      'plain-shop.ts',
      'run-plain.ts',
      'services',
    ]
    assert.deepEqual(
      readdirSync(mesh.directory.path).filter((name) => !known.includes(name)),
      [],
    )
  })

  test('SIGTERM ends everything it started, and its exit code says that this was wanted', async () => {
    const pids = descendantsOf(mesh.process.pid ?? 0)
    assert.ok(
      pids.length >= 16,
      `eight applications, nine proxies and a control plane were expected, not ${pids.length}`,
    )
    const { code } = await mesh.stop()
    assert.equal(code, 0)
    await eventually('all descendants are gone', async () => (pids.some(isAlive) ? undefined : true), 3_000)
    assert.deepEqual(processesNaming(mesh.directory.path), [])
  })
})
