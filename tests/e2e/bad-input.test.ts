// Bad input at the start: each is told clearly, with an exit code, and nothing is left half-started.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { copyBookstore, lockMachine, runMesh, startMesh, type MeshDirectory } from './mesh-under-test.ts'
import { processesNaming } from './process-tree.ts'

interface BadInput {
  readonly name: string
  readonly file: string
  readonly edit: (text: string) => string
  /** What the message must say, all of it. */
  readonly says: readonly RegExp[]
}

const workloads = 'mesh/workloads.yaml'
const routing = 'mesh/catalog-routing.yaml'

const badInputs: readonly BadInput[] = [
  {
    name: 'malformed YAML',
    file: routing,
    edit: (text) => text.replace('  host: catalog\n', '  host: "catalog\n'),
    says: [/catalog-routing\.yaml:\d+/],
  },
  {
    name: 'an unknown field',
    file: routing,
    edit: (text) => text.replace('subset: v1', 'subsett: v1'),
    says: [/catalog-routing\.yaml:\d+/, /subsett/, /subset\b/],
  },
  {
    name: 'an unknown kind',
    file: routing,
    edit: (text) => text.replace('kind: VirtualService', 'kind: VirtualServise'),
    says: [/catalog-routing\.yaml:\d+/, /VirtualServise/, /VirtualService\b/],
  },
  {
    name: 'a route to a subset that is not there',
    file: routing,
    edit: (text) => text.replace('subset: v1', 'subset: v7'),
    says: [/catalog-routing\.yaml:\d+/, /v7/],
  },
  {
    name: 'a route to a service that is not there',
    file: 'mesh/gateway.yaml',
    edit: (text) => text.replace('host: web,', 'host: wep,'),
    says: [/gateway\.yaml:\d+/, /wep/],
  },
  {
    name: 'two VirtualServices for one host',
    file: routing,
    edit: (text) =>
      `${text}---\n${text.slice(text.indexOf('kind: VirtualService') - 36).replace('name: catalog\n', 'name: catalog-too\n')}`,
    says: [/catalog-routing\.yaml:\d+/, /catalog/],
  },
  {
    name: 'weights that do not make sense',
    file: routing,
    edit: (text) => text.replace('weight: 90', 'weight: -1'),
    says: [/catalog-routing\.yaml:\d+/, /weight/],
  },
  {
    name: 'a command that is not there',
    file: workloads,
    edit: (text) => text.replace('[node, services/web/main.ts]', '[no-such-program, services/web/main.ts]'),
    says: [/web/, /no-such-program/],
  },
  {
    name: 'a workload that exits at once',
    file: workloads,
    edit: (text) => text.replace('[node, services/payments/main.ts]', '[node, -e, "process.exit(3)"]'),
    says: [/payments/, /\b3\b/],
  },
]

let directory: MeshDirectory
let unlock: () => Promise<void>

describe('bad input at the start', () => {
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

  for (const { name, file, edit, says } of badInputs) {
    test(`${name}: a clear message, exit code 1, nothing left running`, async () => {
      const text = directory.read(file)
      const wrong = edit(text)
      assert.notEqual(wrong, text)
      directory.replace(file, wrong)
      await refused(says)
    })
  }

  test('the gateway’s port is in use: a clear message, exit code 1, nothing left running', async () => {
    const squatter = createServer()
    await new Promise<void>((resolve) => squatter.listen(directory.gatewayPort, '127.0.0.1', resolve))
    try {
      await refused([new RegExp(String(directory.gatewayPort)), /in use|EADDRINUSE/i])
    } finally {
      await new Promise((resolve) => squatter.close(resolve))
    }
  })

  test('a directory that is not there: a clear message, exit code 1 or 2', async () => {
    const run = runMesh({ ...directory, path: join(directory.path, 'nowhere') })
    const { code } = await run.endsWithin(45_000)
    assert.ok(code === 1 || code === 2, `exit code ${code}`)
    assert.match(run.lines.join('\n'), /nowhere/)
  })

  test('a full disk for .weft at the start: a clear message, exit code 1, nothing left running', {
    skip: cannotMount(),
  }, async () => {
    const state = join(directory.path, '.weft')
    mkdirSync(state)
    mount(state, '4k')
    try {
      await refused([/\.weft/, /no space|ENOSPC|full/i])
    } finally {
      unmount(state)
    }
  })

  test('a full disk for .weft while running: reported, serving goes on, and it mends itself', {
    skip: cannotMount(),
  }, async () => {
    let filler = ''
    let state = ''
    const mesh = await startMesh((own) => {
      state = join(own.path, '.weft')
      filler = join(state, 'filler')
      mkdirSync(state)
      mount(state, '16m')
    })
    try {
      fill(filler)
      const from = mesh.lines.length
      const text = mesh.directory.read(workloads)
      mesh.directory.replace(workloads, text.replace('replicas: 1', 'replicas: 2'))
      await mesh.waitForLine(/no space|ENOSPC|full/i, from, 20_000)
      for (let index = 0; index < 20; index++) assert.equal((await mesh.context.request('/api/books')).status, 200)
      rmSync(filler)
      await mesh.waitForLine(/catalog-v1-1.*listening/, from, 30_000)
    } finally {
      await mesh.stopProcesses()
      unmount(state)
      await mesh.stop()
    }
  })
})

async function refused(says: readonly RegExp[]): Promise<void> {
  const run = runMesh(directory)
  const { code } = await run.endsWithin(45_000)
  const said = run.lines.join('\n')
  assert.equal(code, 1, said)
  for (const part of says) assert.match(said, part)
  assert.doesNotMatch(said, /^\s+at .*:\d+:\d+\)?$/m, 'no stack trace')
  assert.deepEqual(processesNaming(directory.path), [])
}

function cannotMount(): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'mounting a small tmpfs needs root on Linux'
  return spawnSync('mount', ['--version']).status === 0 ? false : 'there is no mount command'
}

// Writes until there is no room for another kilobyte.
function fill(file: string): void {
  for (const bytes of [1024 * 1024, 1024]) {
    try {
      for (;;) appendFileSync(file, Buffer.alloc(bytes))
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
    }
  }
}

function mount(path: string, size: string): void {
  const result = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], { encoding: 'utf8' })
  assert.equal(result.status, 0, result.stderr)
}

function unmount(path: string): void {
  spawnSync('umount', ['--lazy', path])
}
