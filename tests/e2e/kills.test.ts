// Parts of the mesh die without a word: an application, a proxy, the control plane. What each death may cost is bounded.
import assert from 'node:assert/strict'
import { after, before, describe, test, type TestContext } from 'node:test'
import { enterAs, isbn } from '../../examples/bookstore/checks/customers.ts'
import { speakTo, summary } from '../../examples/bookstore/checks/listener-dialogue.ts'
import type { MeshInstance } from '../../examples/bookstore/checks/mesh-access.ts'
import { openMeshAccess, type MeshAccess } from '../../packages/local/src/check/mesh-access.ts'
import { startTraffic } from './background-traffic.ts'
import { eventually, lockMachine, pause, splitOf, startMesh, type MeshUnderTest } from './mesh-under-test.ts'
import { commandOf, descendantsOf, isAlive, listenerPid } from './process-tree.ts'

const outboundPort = 15001
const routing = 'mesh/catalog-routing.yaml'
const workloads = 'mesh/workloads.yaml'
const twoOfV1 = /(name: catalog-v1\n(?:.*\n)*? {2}replicas: )1/

let mesh: MeshUnderTest
let access: MeshAccess
let unlock: () => Promise<void>

describe('after kill -9', () => {
  before(async () => {
    unlock = await lockMachine()
    mesh = await startMesh((directory) =>
      directory.replace(workloads, directory.read(workloads).replace(twoOfV1, '$12')),
    )
    access = await openMeshAccess(mesh.directory.path, 'weft')
    await eventually(
      'two instances of catalog v1',
      async () => ((await ready('catalog-v1')).length === 2 ? true : undefined),
      30_000,
    )
  })
  after(async () => {
    await mesh?.stop()
    await unlock()
  })

  test('of one catalog application no reader notices, since reading may be repeated, and it comes back', async (t: TestContext) => {
    const [victim] = await ready('catalog-v1')
    const pid = pidOf(victim, 'application')
    const traffic = startTraffic(t, mesh.context, `/api/books/${isbn}`)
    await pause(300)
    process.kill(pid, 'SIGKILL')
    await eventually('it is back', async () => back(await ready('catalog-v1'), victim, pid), 20_000)
    const { requests, failures } = await traffic.stop()
    t.diagnostic(`${requests} requests, process ${pid} replaced`)
    assert.deepEqual(failures, [])
  })

  test('of a proxy the next generation serves, while the control plane is stopped', async (t: TestContext) => {
    const [victim] = await ready('catalog-v2')
    const pid = pidOf(victim, 'proxy')
    const control = controlPlane()
    process.kill(control, 'SIGSTOP')
    try {
      const killedAt = performance.now()
      process.kill(pid, 'SIGKILL')
      await eventually(
        'web is answered by catalog v2',
        async () => ((await asWeb(victim)) === '200' ? true : undefined),
        10_000,
      )
      t.diagnostic(`served again after ${Math.round(performance.now() - killedAt)} ms`)
      assert.equal(await asPayments(victim), '403', 'the policy was kept, too')
      assert.notEqual(pidOf(victim, 'proxy'), pid)
      await enterAs(mesh.context, 'jason', 'jason')
      assert.equal((await mesh.context.request(`/api/books/${isbn}`, { visitor: 'jason' })).status, 200)
    } finally {
      process.kill(control, 'SIGCONT')
    }
  })

  test('of the control plane it starts again, and a file that went bad meanwhile keeps its last good version', async () => {
    const text = mesh.directory.read(routing)
    const control = controlPlane()
    process.kill(control, 'SIGSTOP')
    mesh.directory.replace(routing, text.replaceAll('subset: v2', 'subsett: v2'))
    const from = mesh.lines.length
    process.kill(control, 'SIGKILL')
    await eventually(
      'another control plane',
      async () => (isAlive(control) || controlPlaneOrNone() === undefined ? undefined : true),
      20_000,
    )
    await mesh.waitForLine(/catalog-routing\.yaml:\d+/, from, 20_000)
    await mesh.waitForLine(/the control plane serves again/, from, 20_000)
    // A proxy that starts now has to be told everything anew.
    const [web] = await ready('web')
    process.kill(pidOf(web, 'proxy'), 'SIGKILL')
    await eventually('the shop answers', async () => ((await status('/')) === 200 ? true : undefined), 15_000)
    await enterAs(mesh.context, 'jason', 'jason')
    for (let index = 0; index < 5; index++) {
      const { headers } = await mesh.context.request(`/api/books/${isbn}`, { visitor: 'jason' })
      assert.equal(headers['x-catalog-version'], 'v2')
    }
    mesh.directory.replace(routing, splitOf(text, 0, 100))
    const onlyV2 = async (): Promise<true | undefined> =>
      (await mesh.context.request(`/api/books/${isbn}`)).headers['x-catalog-version'] === 'v2' ? true : undefined
    await eventually('mended, the file counts again', onlyV2)
    mesh.directory.replace(routing, text)
  })
})

async function ready(workload: string): Promise<MeshInstance[]> {
  return (await access.instances()).filter(
    (instance) => instance.workload === workload && instance.ready && !instance.draining,
  )
}

function pidOf(instance: MeshInstance | undefined, part: 'application' | 'proxy'): number {
  assert.ok(instance)
  const port = instance.ports[0]?.port ?? 0
  const pid = part === 'proxy' ? listenerPid(instance.address, outboundPort) : listenerPid(instance.appAddress, port)
  assert.ok(pid, `the ${part} of ${instance.name} listens nowhere`)
  return pid
}

function back(now: readonly MeshInstance[], victim: MeshInstance | undefined, pid: number): true | undefined {
  const again = now.find(({ name }) => name === victim?.name)
  if (again === undefined) return undefined
  const next = listenerPid(again.appAddress, again.ports[0]?.port ?? 0)
  return next === undefined || next === pid ? undefined : true
}

function controlPlaneOrNone(): number | undefined {
  return descendantsOf(mesh.process.pid ?? 0).find((pid) => /control[^ ]*\.(ts|mjs|js)\b/.test(commandOf(pid)))
}

function controlPlane(): number {
  const pid = controlPlaneOrNone()
  assert.ok(pid, 'no control plane among the processes')
  return pid
}

async function asWeb(instance: MeshInstance | undefined): Promise<string> {
  assert.ok(instance)
  const identity = await access.issue({ uris: ['spiffe://cluster.local/ns/bookstore/sa/web'] })
  return summary(await speakTo(instance, { kind: 'tls', identity }, '/books'))
}

async function asPayments(instance: MeshInstance | undefined): Promise<string> {
  assert.ok(instance)
  const identity = await access.issue({ uris: ['spiffe://cluster.local/ns/bookstore/sa/payments'] })
  return summary(await speakTo(instance, { kind: 'tls', identity }, '/books'))
}

async function status(path: string): Promise<number> {
  return mesh.context.request(path).then(
    (response) => response.status,
    () => 0,
  )
}
