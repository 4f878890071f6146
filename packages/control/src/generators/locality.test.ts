import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClientPlace, localityGroups, localityOf, parseLocality, type PlacedEndpoint } from './locality.ts'

const client: ClientPlace = { locality: parseLocality('north/a/1'), labels: { rack: 'r1' } }

function at(place: string, labels: Record<string, string> = {}): PlacedEndpoint {
  return { init: {}, locality: parseLocality(place), labels: { ...labels, place } }
}

const world = ['west/a/1', 'north/b/1', 'north/a/2', 'north/a/1', 'south/a/1'].map((place) => at(place))

/** Region and zone of each group with its priority. */
function order(groups: ReturnType<typeof localityGroups>): string[] {
  return groups.map(({ locality, priority }) => {
    const { region, zone, subZone } = locality as { region: string; zone: string; subZone: string }
    return `${priority} ${region}/${zone}/${subZone}`
  })
}

test('the nearest come first, and no priority is left out', () => {
  assert.deepEqual(order(localityGroups(world, client, {}, true)), [
    '0 north/a/1',
    '1 north/a/2',
    '2 north/b/1',
    '3 south/a/1',
    '3 west/a/1',
  ])
  const far = world.filter(({ locality }) => locality.region !== 'north')
  assert.deepEqual(order(localityGroups(far, client, {}, true)), ['0 south/a/1', '0 west/a/1'])
})

test('a region fails over to the one that is named, then to the others', () => {
  const groups = localityGroups(world, client, { failover: [{ from: 'north', to: 'west' }] }, true)
  assert.deepEqual(order(groups).slice(3), ['3 west/a/1', '4 south/a/1'])
})

test('labels count from the first that differs, and may be given a value', () => {
  const racks = [at('south/a/1', { rack: 'r1' }), at('north/a/1', { rack: 'r2' }), at('north/b/1', { rack: 'r1' })]
  const by = (...failoverPriority: string[]): string[] =>
    order(localityGroups(racks, client, { failoverPriority }, true))
  assert.deepEqual(by('rack'), ['0 north/b/1', '0 south/a/1', '1 north/a/1'])
  assert.deepEqual(by('topology.kubernetes.io/region', 'rack'), ['0 north/b/1', '1 north/a/1', '2 south/a/1'])
  assert.deepEqual(by('rack=r2'), ['0 north/a/1', '1 north/b/1', '1 south/a/1'])
})

test('nothing is ordered while failing endpoints are not found out, or when it is turned off', () => {
  for (const groups of [
    localityGroups(world, client, {}, false),
    localityGroups(world, client, { enabled: false }, true),
  ]) {
    assert.ok(groups.every(({ priority }) => priority === 0))
    assert.equal(groups.length, 5)
  }
})

test('shares are divided among the endpoints that they name, and what they do not name gets nothing', () => {
  const twice = [...world, at('north/a/1')]
  const groups = localityGroups(
    twice,
    client,
    { distribute: [{ from: 'north/*', to: { 'north/*': 80, south: 20 } }] },
    false,
  )
  assert.deepEqual(
    groups.map(({ loadBalancingWeight }, index) => `${order(groups)[index]} ${loadBalancingWeight}`),
    ['0 north/a/1 40', '0 north/a/2 20', '0 north/b/1 20', '0 south/a/1 20'],
  )
  const others = localityGroups(world, client, { distribute: [{ from: 'east', to: { 'north/*': 100 } }] }, false)
  assert.equal(others.length, 5, 'no rule for this client: everyone gets a share')
})

test("places are read from Istio's label with dots, or from those of Kubernetes", () => {
  assert.deepEqual(localityOf({ 'istio-locality': 'north.a.1' }), parseLocality('north/a/1'))
  const labels = { 'topology.kubernetes.io/region': 'north', 'topology.kubernetes.io/zone': 'a' }
  assert.deepEqual(localityOf(labels), parseLocality('north/a'))
  assert.deepEqual(localityOf({}), parseLocality(''))
})
