import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { GatheredOutput } from '../gathered-output.ts'
import { Turn, type TurnMember } from './turn.ts'

/** A connection that notes what becomes of its bytes, and answers what it reads when asked to. */
class Noting implements TurnMember {
  readonly notes: string[]
  readonly #name: string
  readonly #onArrived: (self: Noting, text: string) => void

  constructor(name: string, notes: string[], onArrived: (self: Noting, text: string) => void = () => {}) {
    this.#name = name
    this.notes = notes
    this.#onArrived = onArrived
  }

  arrived(bytes: Buffer, start: number, end: number): void {
    const text = bytes.toString('latin1', start, end)
    this.notes.push(`${this.#name} read ${text}`)
    this.#onArrived(this, text)
  }

  leave(output: GatheredOutput, start: number, end: number): void {
    this.notes.push(`${this.#name} wrote ${output.bytes.toString('latin1', start, end)}`)
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Offers so many reads within one turn; how many of them were kept. */
async function offer(turn: Turn, count: number): Promise<number> {
  const member = new Noting('a', [])
  let kept = 0
  for (let at = 0; at < count; at++) if (turn.keepRead(member, Buffer.from('x'), 1)) kept++
  await nextTurn()
  return kept
}

test('a turn works on all reads first, then on what was left for later, and lets output leave last', async () => {
  const notes: string[] = []
  const turn = new Turn().always()
  const echo = (self: Noting, text: string): void => {
    turn.soon(() => notes.push(`task of ${text}`))
    assert.ok(turn.keepWrite(self, Buffer.from(text.toUpperCase()), text.length))
  }
  for (const name of ['a', 'b']) assert.ok(turn.keepRead(new Noting(name, notes, echo), Buffer.from(`by ${name}`), 4))
  assert.deepEqual(notes, [])
  await nextTurn()
  assert.deepEqual(notes, [
    'a read by a',
    'b read by b',
    'task of by a',
    'task of by b',
    'a wrote BY A',
    'b wrote BY B',
  ])
})

test('a piece that is too long is not kept, and one for which there is no room makes room', () => {
  const notes: string[] = []
  const turn = new Turn().always()
  const member = new Noting('a', notes)
  assert.equal(turn.keepRead(member, Buffer.alloc(17_000), 17_000), false)
  assert.equal(turn.keepWrite(member, Buffer.alloc(17_000), 17_000), false)
  const long = Buffer.alloc(16 * 1024, 'y')
  for (let at = 0; at < 9; at++) assert.ok(turn.keepRead(member, long, long.length))
  assert.equal(notes.length, 8)
  const other = new Noting('b', notes)
  for (let at = 0; at < 9; at++) assert.ok(turn.keepWrite(at % 2 === 0 ? member : other, long, long.length))
  assert.equal(notes.filter((note) => / wrote /.test(note)).length, 8)
  turn.run()
  assert.equal(notes.length, 18)
})

test('pieces of one connection that follow each other leave as one, up to what is lent to a kernel that does not take it', () => {
  const notes: string[] = []
  const turn = new Turn().always()
  const [a, b] = [new Noting('a', notes), new Noting('b', notes)]
  const say = (member: Noting, text: string): void => void turn.keepWrite(member, Buffer.from(text), text.length)
  say(a, 'head ')
  say(a, 'body')
  say(b, 'another')
  say(a, 'last')
  turn.run()
  assert.deepEqual(notes, ['a wrote head body', 'b wrote another', 'a wrote last'])
  notes.length = 0
  const long = 'y'.repeat(15 * 1024)
  for (let at = 0; at < 7; at++) say(a, long)
  turn.run()
  const prefix = 'a wrote '.length
  assert.deepEqual(
    notes.map((note) => note.length - prefix),
    [4 * long.length, 3 * long.length],
  )
})

test('output that was gathered elsewhere leaves from there, in order, and what was begun behind it goes on', () => {
  const notes: string[] = []
  const turn = new Turn().always()
  const [a, b] = [new Noting('a', notes), new Noting('b', notes)]
  const output = new GatheredOutput(Buffer.alloc(64))
  const say = (member: Noting, text: string): void => {
    output.add(Buffer.from(text), text.length)
    assert.ok(turn.keepGathered(member, output))
  }
  say(a, 'head ')
  say(a, 'body')
  assert.ok(turn.keepWrite(a, Buffer.from('copied'), 6))
  say(b, 'other')
  output.add(Buffer.from('begun'), 5)
  assert.deepEqual(notes, [])
  turn.run()
  assert.deepEqual(notes, ['a wrote head body', 'a wrote copied', 'b wrote other'])
  assert.deepEqual([output.start, output.bytes.toString('latin1', 0, output.end)], [0, 'begun'])
})

test('a kernel that keeps the memory of one connection takes no other output with it', () => {
  const notes: string[] = []
  const turn = new Turn().always()
  const output = new GatheredOutput(Buffer.alloc(64))
  const lent = output.bytes
  const slow: TurnMember = { arrived() {}, leave: () => output.replace(Buffer.alloc(64)) }
  const quick = new Noting('b', notes)
  for (const [member, text] of [
    [slow, 'waits'],
    [quick, 'leaves'],
  ] as const) {
    output.add(Buffer.from(text), text.length)
    assert.ok(turn.keepGathered(member, output))
  }
  turn.run()
  output.add(Buffer.from('later'), 5)
  assert.ok(turn.keepGathered(quick, output))
  turn.run()
  assert.deepEqual(notes, ['b wrote leaves', 'b wrote later'])
  assert.equal(lent.toString('latin1', 0, 5), 'waits')
})

test('a connection that ends while output leaves has the rest leave at once, and nothing leaves twice', () => {
  const notes: string[] = []
  const turn = new Turn().always()
  const [before, behind] = [new Noting('a', notes), new Noting('c', notes)]
  const ending: TurnMember = {
    arrived() {},
    leave() {
      notes.push('b failed')
      assert.ok(turn.keepWrite(before, Buffer.from('answer'), 6))
      turn.flush()
    },
  }
  turn.keepWrite(before, Buffer.from('first'), 5)
  turn.keepWrite(ending, Buffer.from('lost'), 4)
  turn.keepWrite(behind, Buffer.from('last'), 4)
  turn.run()
  turn.run()
  assert.deepEqual(notes, ['a wrote first', 'b failed', 'c wrote last', 'a wrote answer'])
})

test('after a bug in one connection nothing that left before leaves again', () => {
  const notes: string[] = []
  const turn = new Turn().always()
  const [before, behind] = [new Noting('a', notes), new Noting('c', notes)]
  const broken: TurnMember = {
    arrived() {},
    leave() {
      throw new Error('a bug')
    },
  }
  turn.keepWrite(before, Buffer.from('first'), 5)
  turn.keepWrite(broken, Buffer.from('lost'), 4)
  turn.keepWrite(behind, Buffer.from('last'), 4)
  assert.throws(() => turn.flush(), /a bug/)
  turn.flush()
  assert.deepEqual(notes, ['a wrote first', 'c wrote last'])
})

test('many small reads do not wait for each other beyond a bound', () => {
  const notes: string[] = []
  const turn = new Turn().always()
  const member = new Noting('a', notes)
  for (let at = 0; at < 65; at++) assert.ok(turn.keepRead(member, Buffer.from('x'), 1))
  assert.equal(notes.length, 64)
})

test('a bug met in one connection leaves the reads and the output of the others', async () => {
  const notes: string[] = []
  const turn = new Turn().always()
  const answer = (self: Noting): void => void turn.keepWrite(self, Buffer.from('ok'), 2)
  turn.keepRead(new Noting('a', notes, answer), Buffer.from('1'), 1)
  turn.keepRead(
    new Noting('b', notes, () => {
      throw new Error('a bug')
    }),
    Buffer.from('2'),
    1,
  )
  turn.keepRead(new Noting('c', notes, answer), Buffer.from('3'), 1)
  assert.throws(() => turn.run(), /a bug/)
  assert.deepEqual(notes, ['a read 1', 'b read 2', 'a wrote ok'])
  await nextTurn()
  await nextTurn()
  assert.deepEqual(notes.slice(3), ['c read 3', 'c wrote ok'])
})

test('gathering begins when turns are busy, and ends when they are quiet', async () => {
  const turn = new Turn()
  for (let at = 0; at < 100; at++) assert.equal(await offer(turn, 2), 0)
  for (let at = 0; at < 8; at++) await offer(turn, 50)
  assert.equal(await offer(turn, 50), 50)
  for (let at = 0; at < 30; at++) await offer(turn, 1)
  assert.equal(await offer(turn, 1), 0)
})

test('a turn within a turn does nothing: what is under way goes on', () => {
  const notes: string[] = []
  const turn = new Turn().always()
  turn.keepRead(new Noting('a', notes, () => turn.run()), Buffer.from('1'), 1)
  turn.keepRead(new Noting('b', notes), Buffer.from('2'), 1)
  turn.run()
  assert.deepEqual(notes, ['a read 1', 'b read 2'])
})
