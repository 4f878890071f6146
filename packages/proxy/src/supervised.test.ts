import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answering, type Counted, ProcessChannel, type ProxyQuestions, type SupervisorQuestions } from '@weft/core'
import { SimWorld } from '@weft/testkit'
import { type Supervised, type SupervisedProxy, SupervisorLink } from './supervised.ts'
import { MetricsRegistry } from './telemetry/metrics-registry.ts'

/** A link and the supervisor at its other end, joined through JSON. */
function linked(answering: Partial<Answering<ProxyQuestions>> = {}) {
  const { timers } = new SimWorld(1).runtimeOf('proxy')
  const metrics = new MetricsRegistry()
  const did: string[] = []
  const proxy: SupervisedProxy = {
    metrics,
    readiness: () => 'LIVE',
    connectionCount: () => 3,
    lead: async () => {
      did.push('lead')
      return { ok: false, error: 'port 15000: in use' }
    },
    drain: async () => void did.push('drain'),
    retire: async ({ drainMs }) => void did.push(`retire ${drainMs}`),
  }
  const begun = Promise.withResolvers<Supervised>()
  const farewells: Counted[] = []
  const copy = (message: object): unknown => JSON.parse(JSON.stringify(message))
  const link: SupervisorLink = new SupervisorLink(
    (message) => queueMicrotask(() => supervisor.receive(copy(message), undefined)),
    timers,
    begun.promise,
  )
  const supervisor: ProcessChannel<SupervisorQuestions, ProxyQuestions> = new ProcessChannel<
    SupervisorQuestions,
    ProxyQuestions
  >((message) => queueMicrotask(() => link.channel.receive(copy(message), undefined)), timers, {
    listen: () => ({ value: { error: 'none' } }),
    release: () => ({ value: null }),
    metrics: () => ({ value: [] }),
    drain: () => ({ value: null }),
    farewell: (counted) => {
      farewells.push(counted)
      return { value: null }
    },
    ...answering,
  })
  const begin = (): void => begun.resolve({ proxy, onRetired: () => did.push('gone') })
  return { link, supervisor, metrics, did, farewells, begin }
}

function requests(amount: number): MetricsRegistry {
  const registry = new MetricsRegistry()
  const family = registry.counter({ name: 'requests', help: 'R.', labels: [] })
  family.add(family.series([]), amount)
  return registry
}

test('what is asked before the proxy is there is answered once it is', async () => {
  const { supervisor, begin } = linked()
  const asked = supervisor.ask('state', null, 60_000)
  begin()
  assert.deepEqual(await asked, {
    ok: true,
    value: { value: { readiness: 'LIVE', connections: 3 }, handle: undefined },
  })
  const led = await supervisor.ask('lead', null, 60_000)
  assert.deepEqual(led.ok && led.value.value, { error: 'port 15000: in use' })
})

test('a retired process says what it has counted, what it inherited included, and then goes', async () => {
  const { supervisor, begin, metrics, did, farewells } = linked()
  begin()
  metrics.absorb(requests(2).snapshot(), { gauges: true })
  await supervisor.ask('inherit', [requests(5).snapshot(), requests(1).snapshot()], 60_000)
  const counted = await supervisor.ask('metrics', null, 60_000)
  assert.equal(counted.ok && counted.value.value.inherited, 2)
  await supervisor.ask('retire', { drainMs: 7, idleMs: 1 }, 60_000)
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  assert.deepEqual(did, ['retire 7', 'gone'])
  assert.deepEqual(farewells[0]?.snapshot[0]?.series, [[[], [8]]])
})

test('a scrape shows the other processes, and its own alone when the supervisor does not answer', async () => {
  const seen: Counted[] = []
  const { link } = linked({
    metrics: (own) => {
      seen.push(own)
      return { value: [requests(4).snapshot()] }
    },
  })
  const others = await link.metrics(requests(1).snapshot())
  assert.deepEqual(others[0]?.[0]?.series, [[[], [4]]])
  assert.equal(seen[0]?.inherited, 0)
  link.channel.close()
  assert.deepEqual(await link.metrics([]), [])
})
