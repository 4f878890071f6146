import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadFiles, meshWorkloads, planInstances } from '@weft/resources'
import { until } from '@weft/testkit/until'
import { AppRunner } from './app-runner.ts'

const program = `
  console.log('starting at', Date.now())
  console.error('Error: no database')
  process.exit(1)
`

test('a program that crashes at each start in the same way says so once or a few times, and one line tells each start after that', async () => {
  const text = `apiVersion: weft.dev/v1alpha1\nkind: Workload\nmetadata: { name: a }\nspec: { command: [node, -e, ${JSON.stringify(program)}] }\n`
  const { objects, problems } = loadFiles([{ name: 'a.yaml', text }])
  assert.deepEqual(problems, [])
  const workloads = meshWorkloads(objects)
  const [instance] = planInstances(workloads, [])
  const [workload] = workloads
  assert.ok(instance !== undefined && workload !== undefined)
  const lines: string[] = []
  const told: string[] = []
  const app = new AppRunner(instance, workload.spec, {
    watchdog: { add() {}, remove() {}, close() {} },
    printer: {
      line: (_label, line) => void lines.push(line),
      weft() {},
      say() {},
      problem: (line) => void told.push(line),
    },
    root: '/',
    env: { PATH: process.env['PATH'] ?? '' },
    services: [],
    onReady() {},
  })
  void app.start()
  try {
    await until(
      () => told.filter((line) => line.includes('said the same')).length >= 4,
      'four failures that say nothing new',
    )
  } finally {
    await app.stop(1_000)
  }
  const starts = told.length
  const errors = lines.filter((line) => line === 'Error: no database').length
  assert.ok(errors >= 1 && errors <= starts - 2, `${errors} of ${starts} were printed`)
  assert.match(
    told.at(-1) ?? '',
    /^a-0 ended with exit code 1 again \(\d+ times in a row\) and said the same; it is started again/,
  )
})
