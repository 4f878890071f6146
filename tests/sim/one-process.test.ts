import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hiddenInputs } from './hidden-inputs.ts'
import { abort, ask, fixed, live, route } from './shop-mesh.ts'
import { playStory } from './story.ts'

test('a request crosses gateway, web and catalog over mutual TLS, by the real names, in one process', async () => {
  const mesh = await live(1)
  const answer = await ask(mesh)
  assert.deepEqual([answer.status, answer.body], [200, 'shop with 200 books'])
  assert.deepEqual(mesh.seen, ['GET /books catalog'])
  const metrics = mesh.proxies.get('catalog-0')?.metrics.render() ?? ''
  const line = metrics.split('\n').find((each) => each.startsWith('istio_requests_total{')) ?? ''
  assert.match(line, /reporter="destination".*source_workload="web".*destination_workload="catalog"/)
  assert.match(line, /source_principal="spiffe:\/\/cluster.local\/ns\/shop\/sa\/web"/)
  assert.match(line, /connection_security_policy="mutual_tls".*response_code="200"/)
  assert.doesNotMatch(line, /unknown/)
  await mesh.stop()
})

test('a known identity that no policy allows gets 403', async () => {
  const mesh = await live(1)
  const answer = await ask(mesh, 'catalog.example')
  assert.equal(answer.status, 403)
  assert.deepEqual(mesh.seen, [])
  await mesh.stop()
})

test('an edited file changes the answers, a mistake in it changes nothing', async () => {
  const mesh = await live(1)
  await mesh.write(fixed + route(abort(503)))
  assert.equal((await ask(mesh, 'shop.example', { 'x-test': 'broken' })).status, 503)
  assert.equal((await ask(mesh)).status, 200)
  await mesh.write(fixed + route('    - match: [{ uri: { exct: /x } }]'))
  assert.equal((await ask(mesh, 'shop.example', { 'x-test': 'broken' })).status, 503)
  await mesh.stop()
})

test('rotations and a killed control plane fail no request, and connections come to show new certificates', async () => {
  const mesh = await live(3)
  for (let round = 0; round < 24; round++) {
    if (round === 2) mesh.killControl()
    if (round === 4) await mesh.write(fixed + route(abort(418)))
    if (round === 6) await mesh.startControl()
    mesh.issueAll(60_000)
    assert.equal((await ask(mesh)).body, 'shop with 200 books', `round ${round}`)
    await mesh.world.clock.advance(5_000)
  }
  const shown = mesh.exchanges.filter(({ proxy }) => proxy === 'catalog-0').map(({ peerSerial }) => peerSerial)
  assert.equal(shown.length, 24)
  assert.ok(!shown.includes(undefined))
  assert.ok(new Set(shown).size >= 3, `serials seen by catalog: ${shown.join(' ')}`)
  // Certificates live for 60 s, requests are 5 s apart.
  for (const serial of new Set(shown)) {
    const times = shown.filter((other) => other === serial).length
    assert.ok(
      times > 1 && times < 60 / 5,
      `a rotation alone ends no connection, and none outlives its certificate: ${shown.join(' ')}`,
    )
  }
  const edited = await ask(mesh, 'shop.example', { 'x-test': 'broken' })
  assert.equal(edited.status, 418, 'what was written while the control plane was down is served after its restart')
  await mesh.stop()
})

test('rotations in quick succession do not keep changes from the proxies', async () => {
  const mesh = await live(1)
  for (let round = 0; round < 12; round++) {
    mesh.issueAll(60_000)
    await mesh.world.clock.advance(4_000)
  }
  mesh.issueAll(60_000)
  await mesh.write(fixed + route(abort(418)))
  assert.equal((await ask(mesh, 'shop.example', { 'x-test': 'broken' })).status, 418)
  await mesh.stop()
})

test('one seed gives byte-equal logs of control plane and proxies; another seed gives others', async () => {
  const run = async (seed: number): Promise<string> => {
    const mesh = await live(seed)
    for (let request = 0; request < 5; request++) await ask(mesh)
    await mesh.write(
      fixed + route('    - match: [{ uri: { prefix: /new } }]\n      route: [{ destination: { host: web } }]'),
    )
    mesh.issueAll()
    for (let request = 0; request < 5; request++) await ask(mesh)
    await mesh.stop()
    return mesh.world.log.text()
  }
  const first = await run(11)
  assert.ok(first.split('\n').length > 50, 'the log tells what happened')
  assert.equal(await run(11), first)
  assert.notEqual(await run(12), first)
})

test('nothing in the simulation asks the platform for time, randomness or cryptography', async () => {
  assert.deepEqual(await hiddenInputs(() => playStory(31, 10)), [])
})

test('the watch for hidden inputs sees them', async () => {
  const uses = await hiddenInputs(async () => [Date.now(), new Date(), Math.random(), crypto.randomUUID()])
  assert.deepEqual(
    uses.map((use) => use.split(' at ')[0]),
    ['Date.now', 'new Date()', 'random', 'randomUUID'],
  )
})
