// `kill -9` of `weft up` itself: nobody is left to clean up but the watchdog, and it has two seconds.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, lockMachine, type MeshUnderTest, startMesh } from './mesh-under-test.ts'
import { descendantsOf, isAlive, processesNaming } from './process-tree.ts'

test('kill -9 of weft up leaves no process behind, and the next weft up starts', async () => {
  const unlock = await lockMachine()
  let mesh: MeshUnderTest | undefined
  try {
    mesh = await startMesh()
    const pids = descendantsOf(mesh.process.pid ?? 0)
    assert.ok(pids.length >= 16, `${pids.length} processes`)
    mesh.process.kill('SIGKILL')
    await mesh.ended
    // Two seconds are promised; a busy machine gets some more before this is called a failure.
    await eventually('all descendants are gone', async () => (pids.some(isAlive) ? undefined : true), 4_000)
    assert.deepEqual(processesNaming(mesh.directory.path), [])
    mesh.context.close()
    mesh.directory.remove()
    const next = await startMesh()
    assert.equal((await next.stop()).code, 0)
  } finally {
    // One that was not killed would hold this process open.
    await mesh?.stopProcesses()
    await unlock()
  }
})
