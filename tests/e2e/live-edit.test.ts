// A user edits mesh/*.yaml while the shop is open. Every change takes effect, no request fails because of one, and a mistake is refused
// with file, line and field while the last good configuration goes on serving.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, describe, test, type TestContext } from 'node:test'
import { address, enterAs, goodCard, isbn } from '../../examples/bookstore/checks/customers.ts'
import { startTraffic } from './background-traffic.ts'
import { eventually, lockMachine, pause, splitOf, startMesh, type MeshUnderTest } from './mesh-under-test.ts'

const routing = 'mesh/catalog-routing.yaml'
const faults = 'mesh/faults.yaml'
const editsOfWeights = 20

let mesh: MeshUnderTest
let unlock: () => Promise<void>
const original = new Map<string, string>()

describe('editing the mesh while it serves', () => {
  before(async () => {
    unlock = await lockMachine()
    mesh = await startMesh()
    for (const file of [routing, faults, 'mesh/security.yaml', 'mesh/resilience.yaml'])
      original.set(file, mesh.directory.read(file))
    await enterAs(mesh.context, 'editor', 'editor')
  })
  after(async () => {
    await mesh?.stop()
    await unlock()
  })
  // A test that failed leaves its edit behind: the next one shall not fail for it.
  afterEach(async () => {
    for (const [file, text] of original) if (mesh.directory.read(file) !== text) mesh.directory.replace(file, text)
    await eventually('all is as it was', async () => ((await statuses()) === '200 200' ? true : undefined), 20_000)
  })

  test('each of many changes of the weights is seen, and no request fails', async (t: TestContext) => {
    const traffic = startTraffic(t, mesh.context, `/api/books/${isbn}`)
    const waits: number[] = []
    for (let index = 0; index < editsOfWeights; index++) {
      const version = index % 2 === 0 ? 'v2' : 'v1'
      const renamedAt = performance.now()
      mesh.directory.replace(routing, weights(version))
      await eventually(`an answer of ${version} alone`, async () => ((await onlyFrom(version)) ? true : undefined))
      waits.push(performance.now() - renamedAt)
    }
    const { requests, failures } = await traffic.stop()
    t.diagnostic(
      `${requests} requests; from rename to three answers of the new version: ${waits.map(Math.round).join(' ')} ms`,
    )
    assert.deepEqual(failures, [])
    assert.ok(requests > editsOfWeights)
    restore(routing)
  })

  test('a delay of two seconds given to everybody is felt by everybody, until it is taken back', async () => {
    mesh.directory.replace(faults, withoutMatch('slow'))
    await eventually(
      'an order takes two seconds',
      async () => ((await order()).elapsedMs >= 2_000 ? true : undefined),
      20_000,
    )
    restore(faults)
    await eventually(
      'an order is quick again',
      async () => ((await order()).elapsedMs < 2_000 ? true : undefined),
      20_000,
    )
  })

  test('a 503 given to everybody reaches everybody, until it is taken back', async () => {
    mesh.directory.replace(faults, withoutMatch('broken'))
    await eventually('the basket answers 503', async () => ((await status('/basket')) === 503 ? true : undefined))
    restore(faults)
    await eventually('the basket answers 200', async () => ((await status('/basket')) === 200 ? true : undefined))
  })

  test('a permission taken away is denied at once, and given back works again', async () => {
    const security = original.get('mesh/security.yaml') ?? ''
    const catalogPolicy = /(name: catalog\n(?:.*\n)*?.*)sa\/web/
    assert.match(security, catalogPolicy)
    mesh.directory.replace('mesh/security.yaml', security.replace(catalogPolicy, '$1sa/nobody'))
    await eventually('web may not call catalog', async () => ((await statuses()) === '403 403' ? true : undefined))
    restore('mesh/security.yaml')
    await eventually('web may call catalog', async () => ((await statuses()) === '200 200' ? true : undefined))
  })

  for (const mistake of mistakes()) {
    test(`${mistake.name} is refused with file, line and field, and changes nothing`, async (t: TestContext) => {
      const text = original.get(routing) ?? ''
      const wrong = mistake.edit(text)
      assert.notEqual(wrong, text)
      const from = mesh.lines.length
      const traffic = startTraffic(t, mesh.context, `/api/books/${isbn}`)
      mesh.directory.replace(routing, wrong)
      const line = firstDifference(text, wrong)
      await mesh.waitForLine(new RegExp(`catalog-routing\\.yaml:${mistake.line ?? line}\\b.*`), from, 10_000)
      const said = mesh.lines.slice(from).join('\n')
      for (const part of mistake.says) assert.match(said, part)
      assert.ok(await jasonSeesV2(), 'the last good version of the routes serves')
      restore(routing)
      await pause(300)
      assert.deepEqual((await traffic.stop()).failures, [])
    })
  }

  test('a file cut inside a document deletes nothing', async (t: TestContext) => {
    const traffic = startTraffic(t, mesh.context, `/api/books/${isbn}`)
    const text = original.get(routing) ?? ''
    const from = mesh.lines.length
    mesh.directory.replace(routing, text.slice(0, text.indexOf('- destination') + 20))
    await mesh.waitForLine(/catalog-routing\.yaml/, from, 10_000)
    assert.ok(await jasonSeesV2())
    mesh.directory.replace(routing, '')
    await pause(500)
    assert.ok(await jasonSeesV2(), 'an empty file deletes nothing either')
    restore(routing)
    assert.deepEqual((await traffic.stop()).failures, [])
  })

  test('after a mistake is mended the file counts again', async () => {
    mesh.directory.replace(routing, weights('v2'))
    await eventually('v2 alone', async () => ((await onlyFrom('v2')) ? true : undefined))
    restore(routing)
    await eventually('v1 again', async () => ((await versionOf('')) === 'v1' ? true : undefined))
  })
})

interface Mistake {
  readonly name: string
  readonly edit: (text: string) => string
  /** Where it is reported, if not in the first line that differs. */
  readonly line?: number
  /** What must be said besides. */
  readonly says: readonly RegExp[]
}

function mistakes(): Mistake[] {
  return [
    {
      name: 'a field with a slip in its name',
      edit: (text) => text.replace('weight: 90', 'wieght: 90'),
      says: [/wieght/, /weight/],
    },
    {
      name: 'a weight that is no number',
      edit: (text) => text.replace('weight: 90', 'weight: most'),
      says: [/weight/],
    },
    {
      name: 'weights below zero',
      edit: (text) => text.replace('weight: 90', 'weight: -90'),
      says: [/weight/],
    },
    {
      name: 'YAML that cannot be read',
      edit: (text) => text.replace('          weight: 90', '      weight: : 90'),
      says: [/catalog-routing\.yaml/],
    },
  ]
}

function weights(version: string): string {
  const [v1, v2] = version === 'v1' ? [100, 0] : [0, 100]
  return splitOf(original.get(routing) ?? '', v1, v2)
}

// The fault's `match` with its three lines goes; everyone meets the fault then.
function withoutMatch(header: string): string {
  const text = original.get(faults) ?? ''
  const changed = text.replace(new RegExp(` *match:\\n *- headers:\\n *x-test: \\{ exact: ${header} \\}\\n`), '')
  assert.notEqual(changed, text)
  return changed
}

function restore(file: string): void {
  mesh.directory.replace(file, original.get(file) ?? '')
}

async function status(path: string): Promise<number> {
  return (await mesh.context.request(path)).status
}

// What v1 and v2 of catalog answer: they are told separately, and one in ten of the anonymous requests is v2's.
async function statuses(): Promise<string> {
  await enterAs(mesh.context, 'jason', 'jason')
  const v2 = (await mesh.context.request('/api/books', { visitor: 'jason' })).status
  const others = new Set<number>()
  for (let index = 0; index < 6; index++) others.add(await status('/api/books'))
  return `${[...others].join('/')} ${v2}`
}

async function versionOf(visitor: string): Promise<string> {
  const options = visitor === '' ? {} : { visitor }
  return String((await mesh.context.request(`/api/books/${isbn}`, options)).headers['x-catalog-version'])
}

async function onlyFrom(version: string): Promise<boolean> {
  for (let index = 0; index < 3; index++) if ((await versionOf('')) !== version) return false
  return true
}

async function jasonSeesV2(): Promise<boolean> {
  await enterAs(mesh.context, 'jason', 'jason')
  return (await versionOf('jason')) === 'v2'
}

function order(): Promise<{ status: number; elapsedMs: number }> {
  const json = { lines: [{ isbn, quantity: 1 }], address, card: goodCard }
  return mesh.context.request('/api/orders', { json, headers: { 'idempotency-key': randomUUID() }, visitor: 'editor' })
}

function firstDifference(before: string, now: string): number {
  const lines = now.split('\n')
  const index = before.split('\n').findIndex((line, at) => line !== lines[at])
  return index + 1
}
