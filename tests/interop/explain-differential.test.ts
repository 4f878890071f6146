// `explain` is true: for generated requests against generated meshes, the engine's decisions and real proxies that hold the
// same bytes agree on status, route, cluster and on what the application sees. In CI 5,100 requests against meshes of three seeds;
// WEFT_DIFF_SEED chooses or replays one (`random` looks further and prints the seed), WEFT_DIFF_FIRST the mesh to begin with,
// WEFT_DIFF_MESHES and WEFT_DIFF_REQUESTS (per mesh and side) how much.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { AccessLines } from './differential/access-lines.ts'
import { runComparison } from './differential/comparison.ts'
import { startEnvoyArm } from './differential/envoy-arm.ts'
import { openField } from './differential/field.ts'
import { sides } from './differential/generate-request.ts'
import { startWeftArm } from './differential/weft-arm.ts'
import type { WireArm } from './differential/wire-arm.ts'
import { skipWithoutEnvoy as skip } from './envoy-on-path.ts'

const inCi = process.env['CI'] !== undefined
const wanted = process.env['WEFT_DIFF_SEED'] ?? (inCi ? '1,2,3' : '1')
const seeds = wanted === 'random' ? [Math.floor(Math.random() * 1e9)] : wanted.split(',').map(Number)
const first = Number(process.env['WEFT_DIFF_FIRST'] ?? 1)
/** Per seed. */
const meshes = Number(process.env['WEFT_DIFF_MESHES'] ?? (inCi ? 10 : 12))
const requestsPerSide = Number(process.env['WEFT_DIFF_REQUESTS'] ?? (inCi ? 34 : 17))
/** Parts of the route language that would be missed, and the least share of the requests that has to try each. */
const parts = [
  ...['preflights answered', 'pages told', 'gRPC', 'fault', 'header format', 'direct response', 'copies 100'],
  ...['redirect of the scheme', 'redirect of the host', 'redirect of the port', 'redirect of the path (full)'],
  ...['redirect of the path (prefix)', 'rewrite by prefix', 'rewrite by regex', 'rewrite by regex with captures'],
  ...['rewrite of the host', 'split by a header', 'repeated after an answer', 'repeated after none'],
  ...['time limits run out', 'ring-hash', 'maglev', 'hashed by header', 'hashed by cookie'],
  ...['hashed by query parameter', 'hashed by client address', 'kept by a cookie', 'kept by a header', 'hedged'],
  ...['HTTPRoute of a Service', 'GRPCRoute of a Service', 'ServiceEntry', 'ServiceEntry of a wildcard'],
  ...['denied at the gateway', 'empty authority'],
]
const leastShare = 0.01
test("explain, Weft's proxy and real Envoy agree on generated requests, and counterfactuals are true", {
  skip,
  timeout: 600_000,
}, async (t) => {
  const field = await openField()
  const newLines = (): AccessLines => new AccessLines()
  const arms: WireArm[] = [startEnvoyArm(field, sides, newLines), await startWeftArm(field, sides, newLines)]
  after(async () => {
    for (const arm of arms) await arm.close()
    field.close()
  })
  const all: string[] = []
  const undecided: string[] = []
  const counts: Record<string, number> = {}
  const exercises: Record<string, number> = {}
  for (const [index, seed] of seeds.entries()) {
    // Numbers go on: a proxy is asked for the number of its mesh.
    const from = first + index * meshes
    const result = await runComparison(field, arms, { seed, first: from, meshes, requestsPerSide })
    t.diagnostic(`seed ${seed}, meshes ${from} to ${from + meshes - 1}: ${JSON.stringify(result.counts)}`)
    for (const [name, count] of Object.entries(result.counts)) counts[name] = (counts[name] ?? 0) + count
    for (const [name, count] of Object.entries(result.exercises)) exercises[name] = (exercises[name] ?? 0) + count
    all.push(...result.reports)
    undecided.push(...result.undecided)
  }
  assert.equal(all.length, 0, `${all.length} differences, seeds ${seeds.join(',')}\n${shown(all)}`)
  const losers = (counts['counterfactuals'] ?? 0) + (counts['unreachable'] ?? 0) + undecided.length
  t.diagnostic(`undecided: ${undecided.length} of ${losers} rules that lost`)
  assert.equal(undecided.length, 0, `${undecided.length} undecided, seeds ${seeds.join(',')}\n${shown(undecided)}`)
  const sent = (counts['requests'] ?? 0) + (counts['counterfactuals sent'] ?? 0)
  const shares = Object.entries(exercises).sort(([, a], [, b]) => a - b)
  t.diagnostic(`of ${sent} requests: ${shares.map(([name, count]) => `${name} ${percent(count, sent)}`).join(', ')}`)
  const asked = seeds.length * meshes * requestsPerSide * sides.length
  assert.equal(counts['requests'], asked)
  if (asked < 5000) return
  for (const name of parts)
    assert.ok(
      (exercises[name] ?? 0) >= sent * leastShare,
      `hardly ever tried: ${name} (${exercises[name] ?? 0} of ${sent})`,
    )
})

function percent(count: number, all: number): string {
  return `${((100 * count) / all).toFixed(1)} %`
}

/** All of them in short, for there is often one cause, and the first as a whole. */
function shown(reports: readonly string[]): string {
  const heads = reports.slice(0, 60).map((report) => report.split('\n--- mesh\n')[0]?.slice(0, 900))
  return [...heads, reports[0]].join('\n\n')
}
