// Ctrl-C when nothing serves yet, and while checks run.
import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { type Ended, type MeshDirectory, type MeshRun, runMesh } from './mesh-under-test.ts'
import { processesNaming } from './process-tree.ts'
import { smallMeshDirectory } from './small-mesh.ts'

/** Less than what is waited for while a mesh starts: 30 s for the control plane, as long for each workload. */
const promptMs = 20_000

async function interrupted(run: MeshRun): Promise<Ended> {
  run.process.kill('SIGINT')
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`runs on:\n${run.lines.join('\n')}`)), promptMs)
  })
  try {
    return await Promise.race([run.ended, late])
  } finally {
    clearTimeout(timer)
  }
}

async function meshOf(t: TestContext, args: readonly string[] = []): Promise<[MeshDirectory, MeshRun]> {
  const directory = await smallMeshDirectory()
  const hangs = "{ name: 'hangs', expected: 'an end', needs: 'mesh', run: () => new Promise(() => {}) }"
  writeFileSync(
    join(directory.path, 'check.ts'),
    `export const checks = [${hangs}]\nexport const openCheckContext = () => ({ close() {} })\n`,
  )
  const run = runMesh(directory, args)
  t.after(async () => {
    await run.stop()
    directory.remove()
  })
  return [directory, run]
}

function assertNothingIsLeft(directory: MeshDirectory): void {
  assert.deepEqual(processesNaming(directory.path), [])
  assert.deepEqual(readdirSync(join(directory.path, '.weft/run')), [])
}

for (const line of [/starting the control plane/, /starting \d workloads/]) {
  test(`Ctrl-C at "${line.source}" ends the start at once and leaves nothing`, async (t) => {
    const [directory, run] = await meshOf(t)
    await run.waitForLine(line)
    assert.deepEqual(await interrupted(run), { code: 0, signal: null })
    assertNothingIsLeft(directory)
  })
}

test('checks that were interrupted have not passed', async (t) => {
  const [directory, run] = await meshOf(t, ['--check'])
  await run.waitForLine(/workloads are ready/)
  assert.deepEqual(await interrupted(run), { code: 130, signal: null })
  assertNothingIsLeft(directory)
})
