// Header blocks of five encoders through our decoder, and their fields through our encoder and back.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { HpackDecoder } from '../../packages/proxy/src/codec/h2/hpack-decoder.ts'
import { decodeFields, encodeFields, hpackPair } from '../../packages/proxy/src/codec/h2/hpack-under-test.ts'

const dir = join(process.env['WEFT_TEST_DATA'] ?? join(import.meta.dirname, '../../../shared/data'), 'hpack')
const skip = existsSync(dir) ? false : 'the stories of http2jp/hpack-test-case are not here'

interface Story {
  readonly file: string
  readonly cases: readonly {
    readonly wire: string
    readonly headers: readonly Record<string, string>[]
    readonly header_table_size?: number
  }[]
}

const stories: Story[] =
  skip === false
    ? globSync('*/*.json', { cwd: dir })
        .sort()
        .map((file) => ({ file, cases: JSON.parse(readFileSync(join(dir, file), 'utf8')).cases }))
    : []

const plain = (headers: readonly Record<string, string>[]): { name: string; value: string }[] =>
  headers.flatMap((header) => Object.entries(header).map(([name, value]) => ({ name, value })))

test('all stories are there', { skip }, () => {
  assert.equal(stories.length, 50)
  assert.equal(stories.flatMap(({ cases }) => cases).length, 425)
  assert.equal(stories.flatMap(({ cases }) => cases.flatMap(({ headers }) => headers)).length, 4165)
})

test('blocks of five encoders decode to their fields', { skip }, () => {
  for (const { file, cases } of stories) {
    const decoder = new HpackDecoder()
    for (const [index, { wire, headers, header_table_size: limit }] of cases.entries()) {
      if (limit !== undefined) decoder.setLimit(limit)
      const fields = decodeFields(decoder, Buffer.from(wire, 'hex'))
      assert.ok(typeof fields !== 'string', `${file} ${index}: ${String(fields)}`)
      assert.deepEqual(
        fields.map(({ name, value }) => ({ name, value })),
        plain(headers),
        `${file} ${index}`,
      )
    }
  }
})

test('fields of all stories come back from our encoder as they were', { skip }, () => {
  for (const { file, cases } of stories) {
    const { decoder, encoder } = hpackPair()
    for (const [index, { headers, header_table_size: limit }] of cases.entries()) {
      if (limit !== undefined) {
        decoder.setLimit(limit)
        encoder.setLimit(limit)
      }
      const fields = decodeFields(decoder, encodeFields(encoder, plain(headers)))
      assert.ok(typeof fields !== 'string', `${file} ${index}: ${String(fields)}`)
      assert.deepEqual(
        fields.map(({ name, value }) => ({ name, value })),
        plain(headers),
        `${file} ${index}`,
      )
    }
  }
})

test('blocks that repeat become small', { skip }, () => {
  const { encoder } = hpackPair()
  let bytes = 0
  let literal = 0
  for (const { headers } of (stories[0] as Story).cases) {
    const fields = plain(headers)
    bytes += encodeFields(encoder, fields).length
    literal += fields.reduce((sum, { name, value }) => sum + name.length + value.length + 2, 0)
  }
  assert.ok(bytes < literal * 0.7, `${bytes} of ${literal}`)
})
