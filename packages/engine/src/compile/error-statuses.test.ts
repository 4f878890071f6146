import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  newHeaderMatcher,
  newHttpHeadersMatch,
  newHttpOutlierDetection,
  newMatchPredicate,
  newMatchPredicate_MatchSet,
} from '@weft/xds/lean'
import { compileErrorStatuses } from './error-statuses.ts'
import { newContext } from './refusal.ts'

function matching(name: string, exactMatch: string) {
  const headers = [newHeaderMatcher({ name, exactMatch })]
  return newMatchPredicate({ httpResponseHeadersMatch: newHttpHeadersMatch({ headers }) })
}

test('statuses are read from one matcher or from several', () => {
  const context = newContext({})
  const one = newHttpOutlierDetection({ errorMatcher: matching(':status', '429') })
  assert.deepEqual(compileErrorStatuses(context, one), new Set([429]))
  const rules = [matching(':status', '429'), matching(':status', '503')]
  const several = newMatchPredicate({ orMatch: newMatchPredicate_MatchSet({ rules }) })
  assert.deepEqual(
    compileErrorStatuses(context, newHttpOutlierDetection({ errorMatcher: several })),
    new Set([429, 503]),
  )
  assert.deepEqual(context.unlisted, [])
})

test('a matcher of anything else is told of, and errors are those of 500 and above', () => {
  for (const matcher of [matching('x-failed', 'yes'), matching(':status', '4xx'), newMatchPredicate({})]) {
    const context = newContext({})
    assert.equal(compileErrorStatuses(context, newHttpOutlierDetection({ errorMatcher: matcher })), undefined)
    assert.match(context.unlisted.join(), /error_matcher$/)
  }
})
