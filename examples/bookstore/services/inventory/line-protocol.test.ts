import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { answerLine } from './line-protocol.ts'
import { makeStock, stockSchema } from './stock.ts'

const isbn = '9781950000012'
const rare = '9781950000128'

function talk(...lines: string[]): string[] {
  const database = new DatabaseSync(':memory:')
  database.exec(stockSchema)
  const stock = makeStock(database)
  return lines.map((line) => answerLine(stock, line))
}

test('a reservation takes copies, and the same key takes them once', () => {
  assert.deepEqual(
    talk(`STOCK ${isbn}`, `RESERVE ${isbn} 2 k1`, `RESERVE ${isbn} 2 k1`, `RESERVE ${isbn} 1 k2`, `STOCK ${isbn}`),
    ['OK 500', 'OK 498', 'OK 498', 'OK 497', 'OK 497'],
  )
})

test('a release gives back what its key took, once', () => {
  assert.deepEqual(talk(`RESERVE ${isbn} 2 k1`, 'RELEASE k1', 'RELEASE k1', `STOCK ${isbn}`), [
    'OK 498',
    'OK',
    'OK',
    'OK 500',
  ])
})

test('a title out of print runs short, one in print is printed again', () => {
  assert.deepEqual(talk(`RESERVE ${rare} 2 a`, `RESERVE ${rare} 2 b`, `RESERVE ${isbn} 460 c`), [
    'OK 1',
    'SHORT 1',
    'OK 540',
  ])
})

test('what is not of the protocol is answered, not obeyed', () => {
  const answers = talk(
    '',
    'PING',
    'STOCK x',
    `RESERVE ${isbn} -1 k`,
    `RESERVE ${isbn} 1.5 k`,
    `BUY ${isbn}`,
    `STOCK ${isbn} 1`,
  )
  assert.equal(answers[1], 'PONG')
  for (const answer of answers.toSpliced(1, 1)) assert.match(answer, /^ERR /)
})
