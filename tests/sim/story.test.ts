// Stories of fixed seeds; WEFT_SIM_SEED plays another one, `WEFT_SIM_SEED=100..199` a range. WEFT_SIM_LOG names a file for
// the log of the last one.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { playStory } from './story.ts'

function seeds(): number[] {
  const [from, to] = (process.env['WEFT_SIM_SEED'] ?? '1..6').split('..').map(Number)
  assert.ok(Number.isInteger(from), 'WEFT_SIM_SEED is a number or a range')
  return Array.from({ length: (to ?? (from as number)) - (from as number) + 1 }, (_, at) => (from as number) + at)
}

for (const seed of seeds()) {
  test(`story of seed ${seed}: no request fails, whatever happens around it`, { timeout: 60_000 }, async (t) => {
    const { steps, log } = await playStory(seed)
    t.diagnostic(`seed ${seed}: ${steps.join(' ')}`)
    t.diagnostic(`replay: WEFT_SIM_SEED=${seed} node --test tests/sim/story.test.ts`)
    const file = process.env['WEFT_SIM_LOG']
    if (file !== undefined) writeFileSync(file, log)
  })
}

test('a story told twice, and told among others, is the same to the byte', { timeout: 60_000 }, async () => {
  const alone = (await playStory(21, 8)).log
  const [again, other] = await Promise.all([playStory(21, 8), playStory(22, 8)])
  assert.equal(again.log, alone)
  assert.notEqual(other.log, alone)
})
