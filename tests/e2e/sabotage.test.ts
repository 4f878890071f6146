// `--check` is worth something only if it can fail: with mTLS off, with a route removed, with a server whose certificate bears another
// name, it must exit 1 and name the row; untouched it must exit 0.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { copyBookstore, lockMachine, runMesh, type MeshDirectory, type MeshRun } from './mesh-under-test.ts'
import { processesNaming } from './process-tree.ts'

const timeout = 180_000
let directory: MeshDirectory
let unlock: () => Promise<void>

describe('weft up --check', () => {
  before(async () => {
    unlock = await lockMachine()
  })
  after(async () => {
    await unlock()
  })
  beforeEach(async () => {
    directory = await copyBookstore()
  })
  afterEach(() => directory.remove())

  test('exits 0 when all is well, and leaves nothing running', { timeout }, async () => {
    const run = runMesh(directory, ['--check'])
    const { code } = await run.endsWithin(timeout - 30_000)
    assert.equal(code, 0, run.lines.join('\n'))
    assert.deepEqual(processesNaming(directory.path), [])
  })

  test('exits 1 with mTLS off, and names who was answered in plaintext', { timeout }, async () => {
    edit('mesh/security.yaml', 'mode: STRICT', 'mode: PERMISSIVE')
    await fails(runMesh(directory, ['--check']), /plaintext/)
  })

  test('exits 1 with Jason’s route removed', { timeout }, async () => {
    edit('mesh/catalog-routing.yaml', 'exact: jason', 'exact: nobody')
    await fails(runMesh(directory, ['--check']), /jason/)
  })

  test('exits 1 when retries are gone', { timeout }, async () => {
    edit('mesh/resilience.yaml', 'attempts: 3, perTryTimeout: 2s', 'attempts: 0')
    await fails(runMesh(directory, ['--check']), /retried/)
  })

  test('exits 1 when everyone may call catalog', { timeout }, async () => {
    edit('mesh/security.yaml', '              - cluster.local/ns/bookstore/sa/delivery', '              - "*"')
    await fails(runMesh(directory, ['--check']), /payments’ id/)
  })

  test('exits 1 when catalog’s certificate bears a name that the mesh does not expect', { timeout }, async () => {
    await fails(runMesh(directory, ['--check', '--sabotage', 'wrong-san']), /browse/)
  })
})

function edit(file: string, before: string, now: string): void {
  const text = directory.read(file)
  assert.ok(text.includes(before), `${file} has no ${before}`)
  directory.replace(file, text.replace(before, now))
}

async function fails(run: MeshRun, row: RegExp): Promise<void> {
  const { code } = await run.endsWithin(timeout - 30_000)
  const said = run.lines.join('\n')
  assert.equal(code, 1, said)
  assert.ok(
    run.lines.some((line) => row.test(line) && /fail|✗|✖|FAIL|no\b/i.test(line)),
    said,
  )
  assert.deepEqual(processesNaming(directory.path), [])
}
