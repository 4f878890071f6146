import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CorsPolicy, Route } from '../model.ts'
import type { ProofStep } from '../prove/proof.ts'
import { recordTo } from '../prove/record-to.ts'
import { subject } from '../subject-under-test.ts'
import { walkCors } from './walk-cors.ts'

test('an origin that is not allowed is told which ones are, and which an earlier one covers', () => {
  const always = { numerator: 100, denominator: 100 }
  const policy: CorsPolicy = {
    origins: [
      { is: 'prefix', value: 'https://', ignoreCase: false },
      { is: 'exact', value: 'https://a.example', ignoreCase: false },
      { is: 'exact', value: 'null', ignoreCase: false },
    ],
    methods: undefined,
    headers: undefined,
    expose: undefined,
    maxAge: undefined,
    credentials: undefined,
    privateNetwork: undefined,
    forwardsOthers: undefined,
    enabled: always,
    shadow: always,
  }
  const route: Pick<Route, 'name' | 'index' | 'origins'> = { name: 'pages', index: 0, origins: {} }
  const steps: ProofStep[] = []
  const recorder = recordTo((step) => steps.push(step))
  const asked = subject({ headers: { origin: 'http://b.example' } })
  assert.equal(walkCors(policy, asked, { draw: 0, route, recorder }), undefined)
  assert.deepEqual(
    steps[0]?.losers.map(({ counterfactual, unreachable }) => counterfactual?.[0]?.value ?? unreachable),
    ['https://', 'no origin satisfies it that no origin before it allows', 'null'],
  )
})
