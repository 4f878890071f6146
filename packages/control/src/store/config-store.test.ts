import assert from 'node:assert/strict'
import { test } from 'node:test'
import { objectKey } from '@weft/core'
import { isKind, type SourceFile } from '@weft/resources'
import { SimWorld } from '@weft/testkit'
import { ConfigStore } from './config-store.ts'
import type { StoreState } from './store-state.ts'

const stateFile = '/m/.weft/state/objects.json'

function service(name: string, port: number | string = 80): string {
  return `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec:\n  selector: { app: ${name} }\n  ports:\n    - name: http\n      port: ${port}\n`
}

function routes(name: string, host: string): string {
  return `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: ${name} }\nspec:\n  hosts: [${host}]\n  http:\n    - route: [{ destination: { host: ${host} } }]\n`
}

function policy(name: string, source: string): string {
  return `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: ${name} }\nspec:\n  selector: { matchLabels: { app: orders } }\n  rules: [{ from: [{ source: { ${source}: [a] } }] }]\n`
}

class Bench {
  readonly world: SimWorld
  store: ConfigStore
  published = 0

  constructor(world = new SimWorld(1)) {
    this.world = world
    this.store = new ConfigStore(world.runtimeOf('control'), stateFile)
    this.store.subscribe(() => this.published++)
  }

  apply(files: Readonly<Record<string, string>>): StoreState {
    this.store.apply(Object.entries(files).map(([name, text]): SourceFile => ({ name, text })))
    return this.store.state
  }

  async settle(ms = 150): Promise<StoreState> {
    await this.world.clock.advance(ms)
    return this.store.state
  }

  async restart(): Promise<Bench> {
    await this.store.flush()
    this.store.close()
    const next = new Bench(this.world)
    await next.store.load()
    return next
  }
}

function names(state: StoreState): string[] {
  return state.objects.map((object) => object.id.name)
}

function codes(state: StoreState): string[] {
  return state.problems.map((problem) => problem.code)
}

function portOf(state: StoreState, name: string): number | undefined {
  const object = state.objects.find((each) => each.id.name === name)
  return object !== undefined && isKind(object, 'Service') ? object.spec.ports[0]?.port : undefined
}

test('a bad object keeps its own last good version while its siblings apply', () => {
  const bench = new Bench()
  bench.apply({ 'a.yaml': `${service('a')}---\n${service('b')}` })
  const state = bench.apply({ 'a.yaml': `${service('a', 99999)}---\n${service('b', 81)}` })
  assert.equal(portOf(state, 'a'), 80)
  assert.equal(portOf(state, 'b'), 81)
  assert.deepEqual(
    state.stale.map(({ id }) => id.name),
    ['a'],
  )
  assert.match(state.stale[0]?.reason ?? '', /^a\.yaml:8: spec\.ports\[0\]\.port: must be from 1 to 65535/)
  assert.deepEqual(state.blocking, [])
})

test('an unparsable or empty file, or one that is cut inside a document, keeps all its objects', async () => {
  const whole = `${service('a')}---\n${service('b')}`
  for (const [broken, code] of [
    ['a: [', 'bad-yaml'],
    ['', 'empty-file'],
    ['# nothing left\n', 'empty-file'],
    [whole.slice(0, -3), 'cut-file'],
  ] as const) {
    const bench = new Bench()
    bench.apply({ 'a.yaml': whole })
    bench.apply({ 'a.yaml': broken })
    const state = await bench.settle(1000)
    assert.deepEqual(names(state), ['a', 'b'], broken)
    assert.ok(codes(state).includes(code), `${broken}: ${codes(state).join()}`)
    assert.deepEqual(state.blocking, [])
    assert.equal(state.stale.length, 2)
  }
})

test('every proper beginning of a file keeps its objects or changes only what it says, and never loses one at once', () => {
  const whole = `${routes('a', 'a')}---\n${service('b')}`
  for (let length = 0; length < whole.length; length++) {
    const bench = new Bench()
    bench.apply({ 'a.yaml': whole })
    assert.deepEqual(names(bench.apply({ 'a.yaml': whole.slice(0, length) })), ['b', 'a'], `cut at ${length}`)
  }
})

test('an object is deleted when its source parsed whole and stayed unchanged for 100 ms', async () => {
  const bench = new Bench()
  bench.apply({ 'a.yaml': `${service('a')}---\n${service('b')}` })
  assert.deepEqual(names(bench.apply({ 'a.yaml': service('a') })), ['a', 'b'])
  assert.deepEqual(names(await bench.settle(60)), ['a', 'b'])
  bench.apply({ 'a.yaml': service('a', 81) })
  assert.deepEqual(names(await bench.settle(60)), ['a', 'b'], 'another change begins the wait anew')
  assert.deepEqual(names(await bench.settle(60)), ['a'])
  assert.deepEqual(bench.store.state.stale, [])
})

test('a file that vanishes and comes back within 100 ms, as editors do it, deletes nothing', async () => {
  const bench = new Bench()
  bench.apply({ 'a.yaml': service('a'), 'b.yaml': service('b') })
  bench.apply({ 'b.yaml': service('b') })
  await bench.settle(50)
  bench.apply({ 'a.yaml': service('a', 81), 'b.yaml': service('b') })
  const state = await bench.settle(1000)
  assert.equal(portOf(state, 'a'), 81)
  bench.apply({ 'b.yaml': service('b') })
  assert.deepEqual(names(await bench.settle(1000)), ['b'], 'a file that stays away takes its objects along')
})

test('an object that moves to another file stays in force throughout', async () => {
  const bench = new Bench()
  bench.apply({ 'a.yaml': `${service('a')}---\n${service('b')}` })
  bench.apply({ 'a.yaml': service('a'), 'z.yaml': service('b', 81) })
  const state = await bench.settle(1000)
  assert.equal(portOf(state, 'b'), 81)
  assert.deepEqual(codes(state), [])
})

test('of two definitions of one object the one in force wins', () => {
  const bench = new Bench()
  bench.apply({ 'm.yaml': service('a') })
  const state = bench.apply({ 'a.yaml': service('a', 1234), 'm.yaml': service('a') })
  assert.equal(portOf(state, 'a'), 80)
  assert.deepEqual(codes(state), ['duplicate-object'])
  assert.equal(state.problems[0]?.position?.file, 'a.yaml')
})

test('a VirtualService that takes over a host of another one is refused and keeps its last good version', () => {
  const bench = new Bench()
  bench.apply({ 'a.yaml': `${routes('one', 'a')}---\n${routes('two', 'b')}` })
  const state = bench.apply({ 'a.yaml': `${routes('one', 'b')}---\n${routes('two', 'b')}` })
  assert.deepEqual(codes(state), ['duplicate-host'])
  assert.deepEqual(
    state.stale.map(({ id }) => objectKey(id)),
    ['networking.istio.io/VirtualService/default/one'],
  )
  const one = state.objects.find((object) => object.id.name === 'one')
  assert.ok(one !== undefined && isKind(one, 'VirtualService'))
  assert.deepEqual(one.spec.hosts, ['a'])
})

test('renaming a VirtualService hands its host over without an alarm', async () => {
  const bench = new Bench()
  bench.apply({ 'a.yaml': routes('one', 'a') })
  const during = bench.apply({ 'a.yaml': routes('two', 'a') })
  assert.deepEqual(names(during), ['one'])
  assert.deepEqual([codes(during), during.blocking], [[], []])
  assert.deepEqual(names(await bench.settle()), ['two'])
})

test('the last good version survives a restart on a directory that now holds a bad file', async () => {
  for (const broken of [service('a', '"x"'), 'a: [', '', service('a').slice(0, -2)]) {
    const before = new Bench()
    before.apply({ 'a.yaml': service('a'), 'b.yaml': service('b') })
    const after = await before.restart()
    after.apply({ 'a.yaml': broken, 'b.yaml': service('b') })
    const state = await after.settle(1000)
    assert.equal(portOf(state, 'a'), 80, broken)
    assert.deepEqual([state.blocking, state.stale.length], [[], 1])
    const again = await after.restart()
    assert.equal(portOf(again.apply({ 'a.yaml': broken, 'b.yaml': service('b') }), 'a'), 80, 'and the next restart too')
  }
})

test('a restarted store forgets what was deleted while it was down, and keeps positions and hashes of the rest', async () => {
  const file = `# head\n---\n${service('a')}---\n${routes('r', 'a')}`
  const before = new Bench()
  const old = before.apply({ 'a.yaml': file, 'b.yaml': service('b') })
  const after = await before.restart()
  assert.deepEqual(names(after.apply({ 'a.yaml': 'x: [' })), ['a', 'b', 'r'])
  const kept = after.store.state.objects.find((object) => object.id.name === 'r')
  const original = old.objects.find((object) => object.id.name === 'r')
  assert.equal(kept?.hash, original?.hash)
  assert.deepEqual(kept?.positionOf('spec.http[0]'), original?.positionOf('spec.http[0]'))
  assert.deepEqual(names(await after.settle(1000)), ['a', 'r'])
})

test('what never had a good version blocks; a security object found so at the start is unenforceable, a later one is not', () => {
  const bench = new Bench()
  const state = bench.apply({ 'a.yaml': policy('jwt', 'requestPrincipals'), 'b.yaml': 'a: [' })
  assert.deepEqual(state.objects, [])
  assert.deepEqual(
    state.blocking.map(({ code }) => code),
    ['unsupported-field', 'bad-yaml'],
  )
  assert.deepEqual(
    state.unenforceable.map(({ id, selector }) => [id.name, selector]),
    [['jwt', { app: 'orders' }]],
  )
  const later = bench.apply({ 'a.yaml': policy('jwt', 'principals'), 'b.yaml': policy('other', 'requestPrincipals') })
  assert.deepEqual(later.unenforceable, [], 'the first is good now, the second was refused at the door')
  assert.deepEqual(
    later.blocking.map(({ objectId }) => objectId?.name),
    ['other'],
  )
})

test('what was refused at the door stays without effect after a restart; what denied goes on denying', async () => {
  const running = new Bench()
  running.apply({ 'a.yaml': service('a') })
  const files = { 'a.yaml': service('a'), 'b.yaml': policy('jwt', 'requestPrincipals') }
  assert.deepEqual(running.apply(files).unenforceable, [])
  const restarted = await running.restart()
  assert.deepEqual(restarted.apply(files).unenforceable, [])
  const found = new Bench()
  assert.equal(found.apply(files).unenforceable.length, 1)
  const again = await found.restart()
  assert.equal(again.apply(files).unenforceable.length, 1)
  const mended = again.apply({ ...files, 'b.yaml': policy('jwt', 'principals') })
  assert.deepEqual([mended.unenforceable, names(mended)], [[], ['a', 'jwt']])
})

test('a policy that was in force and that this version cannot read any more denies what it selects', async () => {
  const bench = new Bench()
  const unread = policy('jwt', 'requestPrincipals')
  const key = 'security.istio.io/AuthorizationPolicy/default/jwt'
  const saved = { version: 1, documents: [{ file: 'b.yaml', firstLine: 1, text: unread, keys: [key] }] }
  bench.world.files.content.set(stateFile, new TextEncoder().encode(JSON.stringify(saved)))
  await bench.store.load()
  assert.deepEqual(
    bench.apply({ 'b.yaml': unread }).unenforceable.map(({ id }) => objectKey(id)),
    [key],
  )
})

test('moving an object by some lines changes its positions, not its hash', () => {
  const bench = new Bench()
  const [before] = bench.apply({ 'a.yaml': service('a') }).objects
  const [after] = bench.apply({ 'a.yaml': `# one\n# two\n${service('a')}` }).objects
  assert.equal(after?.hash, before?.hash)
  assert.equal(after?.positionOf('spec.ports[0].port')?.line, 10)
})

test('nothing is published when nothing changed', () => {
  const bench = new Bench()
  bench.apply({ 'a.yaml': service('a') })
  const [object] = bench.store.state.objects
  bench.apply({ 'a.yaml': service('a') })
  assert.equal(bench.published, 1)
  const next = bench.apply({ 'a.yaml': service('a'), 'b.yaml': service('b') })
  assert.equal(next.objects[0], object, 'unchanged objects are the same references')
})

test('a full disk is reported while serving goes on, and saving catches up', async () => {
  const bench = new Bench()
  bench.world.files.full = true
  bench.apply({ 'a.yaml': service('a') })
  await bench.store.flush()
  assert.deepEqual(names(bench.store.state), ['a'])
  assert.deepEqual(codes(bench.store.state), ['state-not-saved'])
  bench.world.files.full = false
  bench.apply({ 'a.yaml': service('a', 81) })
  await bench.store.flush()
  assert.deepEqual(codes(bench.store.state), [])
  assert.ok(bench.world.files.content.has(stateFile))
})

test('damaged saved state is read as nothing', async () => {
  const bench = new Bench()
  bench.world.files.content.set(stateFile, new TextEncoder().encode('{"version":1,"documents":[{"file":1}]'))
  await bench.store.load()
  assert.deepEqual(names(bench.apply({ 'a.yaml': service('a') })), ['a'])
})

test('of many objects the changed one alone is validated and looked at, in a file of its own or among the others', () => {
  const indices = Array.from({ length: 200 }, (_, i) => i)
  for (const files of [
    (port: number) => ({ 'all.yaml': indices.map((i) => service(`s${i}`, i === 7 ? port : 80)).join('---\n') }),
    (port: number) => Object.fromEntries(indices.map((i) => [`s${i}.yaml`, service(`s${i}`, i === 7 ? port : 80)])),
  ]) {
    const bench = new Bench()
    bench.apply(files(80))
    assert.deepEqual(bench.store.work, { validated: 200, analysed: 200 })
    assert.equal(portOf(bench.apply(files(81)), 's7'), 81)
    assert.deepEqual(bench.store.work, { validated: 201, analysed: 201 })
  }
})

test('a line above moves all objects, and none is validated again', () => {
  const bench = new Bench()
  const text = [service('a'), service('b', 99999), service('c')].join('---\n')
  const first = bench.apply({ 'f.yaml': text })
  const moved = bench.apply({ 'f.yaml': `# one more line\n---\n${text}` })
  assert.deepEqual(bench.store.work, { validated: 3, analysed: 3 })
  const lines = (state: StoreState): (number | undefined)[] => state.problems.map(({ position }) => position?.line)
  assert.deepEqual(
    lines(moved),
    lines(first).map((line) => (line ?? 0) + 2),
  )
  assert.deepEqual(
    moved.objects.map((object) => object.positionOf('spec.ports[0].port')?.line),
    first.objects.map((object) => (object.positionOf('spec.ports[0].port')?.line ?? 0) + 2),
  )
  assert.deepEqual(
    moved.objects.map(({ hash }) => hash),
    first.objects.map(({ hash }) => hash),
  )
})

test('what objects say of each other is published with them, and told anew when it changes', () => {
  const bench = new Bench()
  const dangling = bench.apply({ 'a.yaml': routes('a', 'nowhere') })
  assert.deepEqual(new Set(dangling.relations?.map(({ code }) => code)), new Set(['IST0101']))
  const mended = bench.apply({ 'a.yaml': routes('a', 'nowhere'), 'b.yaml': service('nowhere') })
  assert.deepEqual(mended.relations, [])
})

function secret(value: string): string {
  return `apiVersion: v1\nkind: Secret\nmetadata: { name: shop }\ntype: kubernetes.io/tls\nstringData: { tls.crt: cert, tls.key: ${value} }\n`
}

test('no private key is saved, and what is in force with it comes back from its file after a restart', async () => {
  const list = `apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Service\n    metadata: { name: b }\n    spec: { ports: [{ port: 80 }] }\n  - apiVersion: v1\n    kind: Secret\n    metadata: {}\n    stringData: { tls.key: hush }\n`
  const files = { 'a.yaml': `${secret('hush')}---\n${service('a')}`, 'b.yaml': list }
  const before = new Bench()
  assert.deepEqual(new Set(names(before.apply(files))), new Set(['shop', 'a', 'b']))
  const after = await before.restart()
  const saved = new TextDecoder().decode(before.world.files.content.get(stateFile))
  assert.doesNotMatch(saved, /hush|kind: Secret/)
  assert.match(saved, /kind: Service/, 'other documents are kept')
  const state = after.apply(files)
  assert.deepEqual(names(state), names(before.store.state))
  assert.ok(!codes(state).includes('last-version-not-kept'))
})

const brokenSecrets = [secret('[1]'), `${secret('hush')}---\na: [`, '', `${secret('hush').slice(0, 60)}: [`]

test('a Secret whose file goes bad stays in force over restarts, and its key is kept only as long as the file is bad', async () => {
  for (const broken of brokenSecrets) {
    const files = { 'a.yaml': broken, 'b.yaml': service('b') }
    let bench = new Bench()
    bench.apply({ 'a.yaml': secret('old-key'), 'b.yaml': service('b') })
    const saved = async (): Promise<string> => {
      await bench.store.flush()
      return new TextDecoder().decode(bench.world.files.content.get(stateFile))
    }
    for (let restarts = 0; restarts < 3; restarts++) {
      const state = bench.apply(files)
      assert.deepEqual(new Set(names(state)), new Set(['shop', 'b']), broken)
      assert.deepEqual(
        state.blocking.filter(({ code }) => code === 'last-version-not-kept'),
        [],
      )
      assert.match(await saved(), /old-key/, broken)
      bench = await bench.restart()
    }
    const mended = bench.apply({ 'a.yaml': secret('new-key'), 'b.yaml': service('b') })
    assert.deepEqual([names(mended).length, codes(mended)], [2, []])
    assert.doesNotMatch(await saved(), /-key/, 'neither the old key nor the new one')
    bench.apply(files)
    bench.apply({ 'b.yaml': service('b') })
    await bench.settle(1000)
    assert.doesNotMatch(await saved(), /-key|hush/, 'nor that of a Secret that was removed while it was bad')
  }
})

test('a Secret whose file went bad while nothing ran is said to be missing, until the file is mended or names it no more', async () => {
  for (const broken of brokenSecrets) {
    const before = new Bench()
    before.apply({ 'a.yaml': secret('hush'), 'b.yaml': service('b') })
    const again = await (await before.restart()).restart()
    for (const bench of [again, await again.restart()]) {
      const missing = bench.apply({ 'a.yaml': broken, 'b.yaml': service('b') })
      assert.deepEqual(names(missing), ['b'], broken)
      const [problem] = missing.blocking.filter(({ code }) => code === 'last-version-not-kept')
      assert.equal(problem?.position?.file, 'a.yaml', broken)
      assert.match(problem.message, /Secret\/default\/shop was in force before the restart/)
    }
    const mended = again.apply({ 'a.yaml': secret('hush'), 'b.yaml': service('b') })
    assert.deepEqual([names(mended).length, codes(mended)], [2, []])
    const without = (await again.restart()).apply({ 'a.yaml': service('a'), 'b.yaml': service('b') })
    assert.deepEqual([names(without), codes(without), without.blocking], [['a', 'b'], [], []])
  }
})
