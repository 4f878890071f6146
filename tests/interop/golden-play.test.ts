// Golden cases are not only written down: every route of every case that Weft's engine can explain is asked for, of real Envoy and of
// Weft's proxy under our ADS server, and does what `explain` says. WEFT_PLAY names the cases to play (part of their names).
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { goldenCase } from '../../packages/control/src/golden/golden-case.ts'
import { openField } from './differential/field.ts'
import { skipWithoutEnvoy as skip } from './envoy-on-path.ts'
import { playCase, stageCase } from './golden-play/play-case.ts'
import { saidRequests } from './golden-play/said-requests.ts'

const root = join(import.meta.dirname, '../../packages/control/golden')
const wanted = process.env['WEFT_PLAY'] ?? ''
/** Each has an Envoy of its own. */
const atOnce = 3
test("every route of the golden cases does what explain says, in real Envoy and in Weft's proxy", {
  skip,
  timeout: 600_000,
}, async (t) => {
  const field = await openField()
  after(() => field.close())
  let hosts = 0
  const nextHost = (): string => `127.68.${field.addresses.octet}.${1 + (hosts++ % 250)}`
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('/in.yaml'))
    .map((path) => dirname(path))
    .filter((name) => name.includes(wanted))
    .sort()
  const reports: string[] = []
  const total = { cases: 0, routes: 0, requests: 0, said: 0, silent: 0 }
  const left = names.map((name) => {
    const golden = goldenCase(name, readFileSync(join(root, name, 'in.yaml'), 'utf8'))
    const written = join(root, name, 'requests.yaml')
    const said = existsSync(written) ? saidRequests(readFileSync(written, 'utf8')) : []
    return stageCase(field, golden, { nextHost, said })
  })
  const unasked = new Map<string, number>()
  const playNext = async (): Promise<void> => {
    for (let staged = left.shift(); staged !== undefined; staged = left.shift()) {
      const played = await playCase(field, staged)
      reports.push(...played.reports)
      total.routes += played.routes
      total.requests += played.requests
      total.silent += played.silent
      total.said += staged.said.length
      if (played.requests > 0) total.cases++
      else t.diagnostic(`not played: ${staged.golden.name}: ${played.left[0]?.why ?? 'no HTTP routes'}`)
      for (const { why } of played.left) unasked.set(why, (unasked.get(why) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, playNext))
  for (const [why, count] of unasked) t.diagnostic(`not asked for: ${count} routes (${why})`)
  t.diagnostic(
    `played ${total.cases} of ${names.length} cases, ${total.routes} routes, ${total.requests} requests, ${total.said} of them with an answer in the case itself, ${total.silent} to silent applications`,
  )
  assert.equal(reports.length, 0, `${reports.length} differences\n${reports.slice(0, 40).join('\n\n')}`)
  if (wanted === '') assert.ok(total.cases >= 50 && total.requests >= 1000, 'as many as there were')
})
