import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { processIdentity } from './process/process-identity.ts'
import { lockHolder, takeLock } from './state-lock.ts'
import { makeRuntimeDir } from './state-paths.ts'

test('a lock is taken once, names its holder, and is free after release', () => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-lock-'))
  const file = join(dir, 'lock.json')
  const first = takeLock(file)
  assert.ok(first.ok)
  const second = takeLock(file)
  assert.ok(!second.ok && second.error.includes(`pid ${process.pid}`))
  assert.equal(lockHolder(file)?.pid, process.pid)
  first.value.release()
  assert.equal(lockHolder(file), undefined)
  assert.ok(takeLock(file).ok)
  rmSync(dir, { recursive: true })
})

test('a lock whose holder was killed, or whose pid now belongs to another process, is taken over', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'weft-lock-'))
  const file = join(dir, 'lock.json')
  const child = spawn('sleep', ['60'])
  const holder = processIdentity(child.pid as number)
  writeFileSync(file, JSON.stringify(holder))
  assert.equal(takeLock(file).ok, false, 'it lives')
  writeFileSync(file, JSON.stringify({ pid: child.pid, startTicks: '1' }))
  assert.ok(takeLock(file).ok, 'another process has that pid')
  writeFileSync(file, JSON.stringify(holder))
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
  assert.ok(takeLock(file).ok, 'it is gone')
  rmSync(dir, { recursive: true })
})

test('sockets get a folder whose path leaves room in sun_path, also when the preferred one is too long', () => {
  const long = mkdtempSync(join(tmpdir(), 'x'.repeat(120)))
  const dir = makeRuntimeDir(long)
  assert.ok(dir.ok)
  assert.ok(Buffer.byteLength(join(dir.value, 's99999.sock')) <= 107, dir.value)
  rmSync(dir.value, { recursive: true })
  rmSync(long, { recursive: true })
})
