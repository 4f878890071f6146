// `explain` is true: for generated requests against generated meshes, the engine's decisions and real proxies that hold the
// same bytes agree on status, route, cluster and on what the application sees. WEFT_DIFF_SEED chooses or replays (`random`
// looks further and prints the seed), WEFT_DIFF_FIRST the mesh to begin with, WEFT_DIFF_MESHES and WEFT_DIFF_REQUESTS (per mesh
// and side) how much.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, test } from 'node:test'
import { runComparison } from './differential/comparison.ts'
import { startEnvoyArm } from './differential/envoy-arm.ts'
import { openField } from './differential/field.ts'
import { sides } from './differential/generate-request.ts'
import { startWeftArm } from './differential/weft-arm.ts'
import type { WireArm } from './differential/wire-arm.ts'

const wanted = process.env['WEFT_DIFF_SEED'] ?? '1'
const seed = wanted === 'random' ? Math.floor(Math.random() * 1e9) : Number(wanted)
const first = Number(process.env['WEFT_DIFF_FIRST'] ?? 1)
const meshes = Number(process.env['WEFT_DIFF_MESHES'] ?? 12)
const requestsPerSide = Number(process.env['WEFT_DIFF_REQUESTS'] ?? 17)
const skip = spawnSync('envoy', ['--version']).status === 0 ? false : 'envoy is not on PATH'

test("explain, Weft's proxy and real Envoy agree on generated requests, and counterfactuals are true", {
  skip,
  timeout: 600_000,
}, async (t) => {
  const field = await openField()
  const arms: WireArm[] = [startEnvoyArm(field), await startWeftArm(field)]
  after(async () => {
    for (const arm of arms) await arm.close()
    field.close()
  })
  const result = await runComparison(field, arms, { seed, first, meshes, requestsPerSide })
  t.diagnostic(`seed ${seed}: ${JSON.stringify(result.counts)}`)
  assert.equal(result.reports.length, 0, `${result.reports.length} differences, seed ${seed}\n${shown(result.reports)}`)
  assert.ok(
    meshes * requestsPerSide * sides.length < 1000 || (result.counts['requests'] ?? 0) >= 1000,
    'a thousand requests',
  )
})

/** All of them in short, for there is often one cause, and the first as a whole. */
function shown(reports: readonly string[]): string {
  const heads = reports.slice(0, 60).map((report) => report.split('\n--- mesh\n')[0]?.slice(0, 900))
  return [...heads, reports[0]].join('\n\n')
}
