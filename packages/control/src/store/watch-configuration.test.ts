import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { nodeRuntime } from '@weft/core/node'
import { isKind, planInstances, type WorkloadInstance } from '@weft/resources'
import { SimWorld } from '@weft/testkit'
import type { StoreState } from './store-state.ts'
import { watchConfiguration, type WatchedConfiguration } from './watch-configuration.ts'

const running: WatchedConfiguration[] = []
const directories: string[] = []

after(async () => {
  await Promise.all(running.map((each) => each.close()))
  await Promise.all(directories.map((dir) => rm(dir, { recursive: true })))
})

function service(port: number): string {
  return `apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { ports: [{ name: http, port: ${port} }] }\n`
}

interface Watching {
  readonly dir: string
  readonly states: StoreState[]
  readonly registries: (readonly WorkloadInstance[])[]
  readonly watched: WatchedConfiguration
  until(condition: () => boolean): Promise<void>
}

async function watching(prepare: (dir: string) => Promise<unknown>): Promise<Watching> {
  const dir = await mkdtemp(join(tmpdir(), 'weft-config-'))
  directories.push(dir)
  await mkdir(join(dir, '.weft/state'), { recursive: true })
  await mkdir(join(dir, '.weft/registry'), { recursive: true })
  await prepare(dir)
  const states: StoreState[] = []
  const registries: (readonly WorkloadInstance[])[] = []
  let wake = (): void => {}
  const watched = await watchConfiguration(nodeRuntime({ logLevel: 'error' }), {
    dir,
    onState: (state) => {
      states.push(state)
      wake()
    },
    onInstances: (instances) => {
      registries.push(instances)
      wake()
    },
  })
  running.push(watched)
  const until = async (condition: () => boolean): Promise<void> => {
    const deadline = AbortSignal.timeout(5000)
    while (!condition()) {
      await new Promise<void>((resolve, reject) => {
        wake = resolve
        deadline.onabort = () => reject(new Error('waited in vain'))
      })
    }
  }
  return { dir, states, registries, watched, until }
}

function portOf(state: StoreState | undefined): number | undefined {
  const [object] = state?.objects ?? []
  return object !== undefined && isKind(object, 'Service') ? object.spec.ports[0]?.port : undefined
}

test('a file renamed into place is in force within a few milliseconds, each time, with no state between', async () => {
  const { dir, states, until } = await watching(async (root) => {
    await mkdir(join(root, 'mesh'))
    await writeFile(join(root, 'mesh', 'a.yaml'), service(1000))
  })
  assert.equal(portOf(states.at(-1)), 1000)
  const tookMs: number[] = []
  for (let port = 1001; port <= 1030; port++) {
    await writeFile(join(dir, 'next'), service(port))
    const begin = performance.now()
    await rename(join(dir, 'next'), join(dir, 'mesh', 'a.yaml'))
    await until(() => portOf(states.at(-1)) === port)
    tookMs.push(performance.now() - begin)
  }
  assert.deepEqual(
    states.map(portOf),
    Array.from({ length: 31 }, (_, i) => 1000 + i),
  )
  // A generous bound for a loaded machine: it only has to tell an event from the periodic rescan.
  const median = tookMs.sort((a, b) => a - b)[15] ?? 0
  assert.ok(median < 500, `median ${median} ms`)
})

test('without a mesh directory the files of the directory itself are read, state and tool files left out', async () => {
  const { dir, states, until } = await watching(async (root) => {
    await writeFile(
      join(root, 'a.json'),
      JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec: { ports: [{ port: 7 }] } }),
    )
    await writeFile(join(root, 'package.json'), '{}')
    await writeFile(join(root, '.weft', 'x.yaml'), 'not: an object')
  })
  assert.deepEqual(states.at(-1)?.problems, [])
  assert.equal(portOf(states.at(-1)), 7)
  await writeFile(join(dir, 'b.yml'), Buffer.from([0x61, 0x3a, 0xff, 0xfe]))
  await until(() => states.at(-1)?.problems[0]?.code === 'unreadable-file')
  assert.equal(states.at(-1)?.problems[0]?.position?.file, 'b.yml')
  assert.equal(portOf(states.at(-1)), 7)
})

test('files that Kubernetes mounts as links are read, and followed when it swaps the directory behind them', async () => {
  const { dir, states, until } = await watching(async (root) => {
    await mkdir(join(root, 'mesh', '..1'), { recursive: true })
    await writeFile(join(root, 'mesh', '..1', 'a.yaml'), service(1))
    await symlink('..1', join(root, 'mesh', '..data'))
    await symlink('..data/a.yaml', join(root, 'mesh', 'a.yaml'))
  })
  assert.equal(portOf(states.at(-1)), 1)
  await mkdir(join(dir, 'mesh', '..2'))
  await writeFile(join(dir, 'mesh', '..2', 'a.yaml'), service(2))
  await symlink('..2', join(dir, 'mesh', '..data_tmp'))
  await rename(join(dir, 'mesh', '..data_tmp'), join(dir, 'mesh', '..data'))
  await until(() => portOf(states.at(-1)) === 2)
})

test('a directory that is renamed away deletes nothing, and is followed again when it is back', async () => {
  const { dir, states, until } = await watching(async (root) => {
    await mkdir(join(root, 'mesh'))
    await writeFile(join(root, 'mesh', 'a.yaml'), service(1))
  })
  await rename(join(dir, 'mesh'), join(dir, 'away'))
  await until(() => /is gone; what was read before stays/.test(states.at(-1)?.problems[0]?.message ?? ''))
  await writeFile(join(dir, 'away', 'a.yaml'), service(2))
  assert.equal(portOf(states.at(-1)), 1)
  await rename(join(dir, 'away'), join(dir, 'mesh'))
  await until(() => portOf(states.at(-1)) === 2)
  assert.deepEqual(states.at(-1)?.problems, [])
  assert.deepEqual(
    states.map((state) => state.objects.length),
    states.map(() => 1),
  )
})

test('a start on a directory that is not there fails instead of deleting what was in force', async () => {
  const dir = join(tmpdir(), 'weft-nowhere-at-all')
  const options = { dir, onState: () => {}, onInstances: () => {} }
  await assert.rejects(watchConfiguration(nodeRuntime({ logLevel: 'error' }), options), /nowhere-at-all is gone/)
})

test('a second start serves the last good version of a file that was broken meanwhile', async () => {
  const first = await watching((root) => writeFile(join(root, 'a.yaml'), service(1)))
  await first.watched.close()
  await writeFile(join(first.dir, 'a.yaml'), 'a: [')
  const states: StoreState[] = []
  const second = await watchConfiguration(nodeRuntime({ logLevel: 'error' }), {
    dir: first.dir,
    onState: (state) => states.push(state),
    onInstances: () => {},
  })
  running.push(second)
  assert.equal(portOf(states[0]), 1)
  assert.deepEqual(states[0]?.blocking, [])
})

test('a link whose target is away deletes nothing: neither the file nor the directory behind it, and each link is told', async () => {
  const { dir, states, until } = await watching(async (root) => {
    await mkdir(join(root, 'mesh'))
    await mkdir(join(root, 'shared', 'more'), { recursive: true })
    await writeFile(join(root, 'shared', 'a.yaml'), service(1))
    await writeFile(join(root, 'shared', 'more', 'b.yaml'), service(2).replace('name: a', 'name: b'))
    await symlink('../shared/a.yaml', join(root, 'mesh', 'a.yaml'))
    await symlink('../shared/more', join(root, 'mesh', 'more'))
  })
  assert.equal(states.at(-1)?.objects.length, 2)
  await rename(join(dir, 'shared'), join(dir, 'away'))
  await writeFile(join(dir, 'mesh', 'c.yaml'), service(3).replace('name: a', 'name: c'))
  await until(() => states.at(-1)?.objects.length === 3)
  assert.deepEqual(
    states.at(-1)?.problems.map(({ severity, position, message }) => [severity, position?.file, message]),
    [
      [
        'error',
        'mesh/a.yaml',
        'is a link to ../shared/a.yaml, which is not there; what was read from there before stays in force',
      ],
      [
        'warning',
        'mesh/more',
        'is a link to ../shared/more, which is not there; what was read from there before stays in force',
      ],
    ],
  )
  assert.deepEqual(
    states.at(-1)?.stale.map(({ id }) => id.name),
    ['a', 'b'],
  )
  assert.deepEqual(states.at(-1)?.blocking, [])
  await rm(join(dir, 'mesh', 'more'))
  await until(() => states.at(-1)?.objects.length === 2)
  await rename(join(dir, 'away'), join(dir, 'shared'))
  await until(() => states.at(-1)?.problems.length === 0)
  assert.deepEqual(
    states.map((state) => state.objects.length).filter((count) => count < 2),
    [],
  )
})

test('a restart while the directory is away goes on with what was in force, reads nothing else, and follows the directory once it is back', async () => {
  const first = await watching(async (root) => {
    await mkdir(join(root, 'mesh'))
    await writeFile(join(root, 'mesh', 'a.yaml'), service(1))
  })
  await first.watched.close()
  const { dir } = first
  await rename(join(dir, 'mesh'), join(dir, 'away'))
  await writeFile(join(dir, 'other.yaml'), 'services: { this is: no mesh }')
  const states: StoreState[] = []
  let changed = (): void => {}
  const second = await watchConfiguration(nodeRuntime({ logLevel: 'error' }), {
    dir,
    filesIn: 'mesh',
    onState(state) {
      states.push(state)
      changed()
    },
    onInstances: () => {},
  })
  running.push(second)
  assert.deepEqual(
    states[0]?.problems.map(({ message }) => message),
    [`the configuration directory ${dir}/mesh is gone; what was read before stays in force`],
  )
  const back = new Promise<void>((resolve) => {
    changed = () => {
      if (portOf(states.at(-1)) === 2) resolve()
    }
  })
  await writeFile(join(dir, 'away', 'a.yaml'), service(2))
  await rename(join(dir, 'away'), join(dir, 'mesh'))
  await back
  assert.deepEqual(states.at(-1)?.problems, [])
  assert.deepEqual(
    states.map((state) => state.objects.length),
    states.map(() => 1),
  )
})

test('the registry is followed, and a damaged one changes nothing', async () => {
  const { dir, registries, until } = await watching(async () => {})
  assert.deepEqual(registries, [[]])
  const path = join(dir, '.weft/registry/instances.json')
  const put = async (text: string): Promise<void> => {
    await writeFile(`${path}.tmp`, text)
    await rename(`${path}.tmp`, path)
  }
  const id = { cluster: '', group: 'weft.dev', kind: 'Workload', namespace: 'n', name: 'w' }
  const spec = { ports: [], serviceAccount: 's', env: {}, replicas: 1, proxy: 'sidecar' as const }
  const workload = { id, apiVersion: '', labels: {}, annotations: {}, hash: '', spec, positionOf: () => undefined }
  await put(JSON.stringify({ instances: planInstances([workload], []) }))
  await until(() => registries.length === 2)
  assert.deepEqual(
    registries[1]?.map(({ name, address }) => [name, address]),
    [['w-0', '127.66.0.1']],
  )
  await put('{"instances":[{"name":')
  await put(JSON.stringify({ instances: [{ name: 'w-0' }] }))
  await put('{"instances":[]}')
  await until(() => registries.length === 3)
  assert.deepEqual(registries[2], [])
})

test('in memory, on the virtual clock, a removed file takes its objects along after it settled', async () => {
  const world = new SimWorld(7)
  const runtime = world.runtimeOf('control')
  world.files.content.set('/m/mesh/a.yaml', new TextEncoder().encode(service(1)))
  const states: StoreState[] = []
  const watched = await watchConfiguration(runtime, {
    dir: '/m',
    onState: (state) => states.push(state),
    onInstances: () => {},
  })
  await runtime.files.remove('/m/mesh/a.yaml')
  await world.clock.advance(90)
  assert.equal(states.at(-1)?.objects.length, 1)
  await world.clock.advance(20)
  assert.deepEqual(states.at(-1)?.objects, [])
  await watched.close()
})
