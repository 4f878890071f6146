import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MetricsRegistry } from './metrics-registry.ts'

test('counters and gauges render in the text format with escaped labels', () => {
  const registry = new MetricsRegistry()
  const requests = registry.counter({ name: 'b_total', help: 'Requests.', labels: ['path', 'code'] })
  requests.add(requests.series(['a"b\\c\nd', '200']), 2)
  requests.add(requests.series(['a"b\\c\nd', '200']), 1)
  const open = registry.gauge({ name: 'a_open', help: 'Open.', labels: [] })
  open.set(open.series([]), 5)
  assert.equal(
    registry.render(),
    [
      '# HELP a_open Open.',
      '# TYPE a_open gauge',
      'a_open 5',
      '# HELP b_total Requests.',
      '# TYPE b_total counter',
      'b_total{path="a\\"b\\\\c\\nd",code="200"} 3',
      '',
    ].join('\n'),
  )
})

test('histogram buckets are cumulative and a value on the edge belongs to its bucket', () => {
  const registry = new MetricsRegistry()
  const family = registry.histogram({ name: 'h', help: 'H.', labels: ['x'] }, [1, 10])
  const series = family.series(['y'])
  for (const value of [0.5, 1, 10, 11]) family.observe(series, value)
  const lines = registry.render().split('\n')
  assert.deepEqual(lines.slice(2, 7), [
    'h_bucket{x="y",le="1"} 2',
    'h_bucket{x="y",le="10"} 3',
    'h_bucket{x="y",le="+Inf"} 4',
    'h_sum{x="y"} 22.5',
    'h_count{x="y"} 4',
  ])
})

test('label values beyond the bound share one overflow series', () => {
  const registry = new MetricsRegistry()
  const family = registry.counter({ name: 'c', help: 'C.', labels: ['x'], maxSeries: 3 })
  for (let value = 0; value < 1_000; value++) family.add(family.series([`v${value}`]), 1)
  const lines = registry.render().trim().split('\n').slice(2)
  assert.deepEqual(lines, ['c{x="v0"} 1', 'c{x="v1"} 1', 'c{x="overflow"} 998'])
})

function counted(path: string, amount: number): MetricsRegistry {
  const registry = new MetricsRegistry()
  const requests = registry.counter({ name: 'requests', help: 'R.', labels: ['path'] })
  requests.add(requests.series([path]), amount)
  const open = registry.gauge({ name: 'open', help: 'O.', labels: [] })
  open.set(open.series([]), amount)
  const times = registry.histogram({ name: 'times', help: 'T.', labels: ['path'] }, [1, 10])
  for (let at = 0; at < amount; at++) times.observe(times.series([path]), 5)
  return registry
}

test('what several processes counted adds up, through JSON, whatever order their series have', () => {
  const one = counted('/a', 2)
  const other = counted('/b', 3)
  other.absorb(counted('/a', 5).snapshot(), { gauges: true })
  const merged = new MetricsRegistry()
  for (const { snapshot } of [one, other].map((each) => ({ snapshot: JSON.parse(JSON.stringify(each.snapshot())) })))
    merged.absorb(snapshot, { gauges: true })
  const lines = merged.render().split('\n')
  for (const line of [
    'requests{path="/a"} 7',
    'requests{path="/b"} 3',
    'open 10',
    'times_bucket{path="/a",le="1"} 0',
    'times_bucket{path="/a",le="10"} 7',
    'times_sum{path="/a"} 35',
    'times_count{path="/b"} 3',
  ])
    assert.ok(lines.includes(line), line)
})

test('of a process that is gone the counters live on and the gauges do not', () => {
  const successor = counted('/a', 1)
  successor.absorb(counted('/a', 4).snapshot(), { gauges: false })
  const text = successor.render()
  assert.match(text, /^requests\{path="\/a"\} 5$/m)
  assert.match(text, /^open 1$/m)
  assert.match(text, /^times_count\{path="\/a"\} 5$/m)
})

test('a family that another version counts otherwise is left out', () => {
  const ours = counted('/a', 1)
  const theirs = new MetricsRegistry()
  const requests = theirs.counter({ name: 'requests', help: 'R.', labels: ['path', 'code'] })
  requests.add(requests.series(['/a', '200']), 9)
  ours.absorb(theirs.snapshot(), { gauges: true })
  assert.match(ours.render(), /^requests\{path="\/a"\} 1$/m)
})
