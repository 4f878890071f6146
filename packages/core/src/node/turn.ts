import { Buffer } from 'node:buffer'
import { holdClock, releaseClock } from './held-clock.ts'
import { KeptViews } from '../kept-views.ts'

/** A connection whose reads and writes a turn gathers. */
export interface TurnMember {
  /** Bytes that came earlier in this turn; valid during the call. */
  arrived(bytes: Buffer): void
  /** Output gathered in this turn is to leave now. */
  leave(output: KeptViews, length: number): void
}

/** Longer pieces go their way at once: they are work enough by themselves. */
export const longestPieceBytes = 16 * 1024
const memoryBytes = 128 * 1024
/** As large as the memory that takes its place while the kernel does not take all of it. */
const stageBytes = 64 * 1024
/** Beyond so many reads the gain is had, and the first of them has waited long enough. */
const mostReads = 64
/** One turn in so many reads is looked at, and gathering begins when so many more came in it. */
const readsPerLook = 32
const busyReads = 4
/** Gathering ends after so many turns with fewer reads than that. */
const quietTurns = 16

/** Pieces of bytes, each of one connection, in the order they came. */
class Pieces {
  length = 0
  count = 0
  /** The first that was not taken. */
  next = 0
  readonly stage = new KeptViews(Buffer.allocUnsafeSlow(stageBytes))
  /** Length of the piece on the stage. */
  stagedBytes = 0
  readonly #memory = Buffer.allocUnsafeSlow(memoryBytes)
  readonly #members: (TurnMember | undefined)[] = Array.from({ length: mostReads })
  readonly #ends: number[] = Array.from({ length: mostReads }, () => 0)

  fits(length: number): boolean {
    return this.length + length <= memoryBytes
  }

  add(member: TurnMember, bytes: Buffer, length: number): void {
    bytes.copy(this.#memory, this.length, 0, length)
    this.length += length
    this.#members[this.count] = member
    this.#ends[this.count++] = this.length
  }

  /** Takes the next piece: copies it to the stage, and says whose it is. */
  take(): TurnMember {
    return this.#stageUntil(this.next + 1)
  }

  /** The same, with the pieces of the same connection that follow at once, as far as the stage has room for them. */
  takeRun(): TurnMember {
    const member = this.#members[this.next]
    const most = this.#start(this.next) + stageBytes
    let to = this.next + 1
    while (to < this.count && this.#members[to] === member && (this.#ends[to] as number) <= most) to++
    return this.#stageUntil(to)
  }

  #start(at: number): number {
    return at === 0 ? 0 : (this.#ends[at - 1] as number)
  }

  #stageUntil(to: number): TurnMember {
    const start = this.#start(this.next)
    const end = this.#ends[to - 1] as number
    const member = this.#members[this.next] as TurnMember
    while (this.next < to) this.#members[this.next++] = undefined
    this.#memory.copy(this.stage.bytes, 0, start, end)
    this.stagedBytes = end - start
    return member
  }

  clear(): void {
    this.length = 0
    this.count = 0
    this.next = 0
  }
}

/**
 * One turn of the event loop, in phases: everything is read, then all of it is worked on, then everything is written. The kernel's code and
 * ours are each far larger than the caches next to the processor; taken in turns for every single read, each finds itself evicted by the
 * other. When few connections have something to say, reads and writes go their way one by one, and nothing is copied.
 */
export class Turn {
  #gathers = false
  #always = false
  #reads: Pieces | undefined
  #writes: Pieces | undefined
  #tasks: (() => void)[] = []
  #spareTasks: (() => void)[] = []
  #scheduled = false
  #running = false
  #seen = 0
  #seenAtLook = 0
  #quiet = 0
  readonly #run = (): void => {
    this.#scheduled = false
    this.run()
  }
  readonly #look = (): void => {
    if (this.#seen - this.#seenAtLook >= busyReads) this.#gathers = true
  }

  /** Gathers from now on however little a turn brings. */
  always(): this {
    this.#always = true
    this.#gathers = true
    return this
  }

  /** Keeps what a connection read, for `arrived`. False: the connection sees to it at once. */
  keepRead(member: TurnMember, bytes: Buffer, length: number): boolean {
    if (!this.#gathers) {
      if (++this.#seen % readsPerLook === 0) {
        this.#seenAtLook = this.#seen
        setImmediate(this.#look)
      }
      return false
    }
    if (length > longestPieceBytes) return false
    const reads = (this.#reads ??= new Pieces())
    if (!reads.fits(length) || reads.count === mostReads) this.run()
    // A run that broke off has left something: that comes first.
    if (reads.count > 0 && !reads.fits(length)) return false
    if (reads.count === mostReads) return false
    reads.add(member, bytes, length)
    this.#schedule()
    return true
  }

  /** Keeps output of a connection, for `leave`. False: the connection sees to it at once. */
  keepWrite(member: TurnMember, bytes: Buffer, length: number): boolean {
    if (!this.#gathers || length > longestPieceBytes) return false
    const writes = (this.#writes ??= new Pieces())
    if (!writes.fits(length) || writes.count === mostReads) this.flush()
    writes.add(member, bytes, length)
    this.#schedule()
    return true
  }

  /** Does something behind what has arrived, before its output leaves. */
  soon(task: () => void): void {
    if (!this.#gathers) return void setImmediate(task)
    this.#tasks.push(task)
    this.#schedule()
  }

  /** Works on all that was kept, and lets the output leave. Does nothing within itself. */
  run(): void {
    if (this.#running) return
    this.#running = true
    holdClock()
    try {
      this.#tell()
      this.#runTasks()
    } finally {
      releaseClock()
      this.#running = false
      this.flush()
      // After a bug in one of them the others go on.
      if ((this.#reads !== undefined && this.#reads.count > 0) || this.#tasks.length > 0) this.#schedule()
    }
  }

  /** Lets the output leave. */
  flush(): void {
    const writes = this.#writes
    if (writes === undefined || writes.count === 0) return
    while (writes.next < writes.count) writes.takeRun().leave(writes.stage, writes.stagedBytes)
    writes.clear()
  }

  #tell(): void {
    const reads = this.#reads
    if (reads === undefined || reads.count === 0) return
    if (reads.count >= busyReads) this.#quiet = 0
    else if (!this.#always && ++this.#quiet >= quietTurns) {
      this.#quiet = 0
      this.#gathers = false
    }
    while (reads.next < reads.count) {
      const member = reads.take()
      member.arrived(reads.stage.view(reads.stagedBytes))
    }
    reads.clear()
  }

  /** Those that tasks ask for run in the next turn. */
  #runTasks(): void {
    const tasks = this.#tasks
    this.#tasks = this.#spareTasks
    this.#spareTasks = tasks
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task()
  }

  #schedule(): void {
    if (this.#scheduled || this.#running) return
    this.#scheduled = true
    setImmediate(this.#run)
  }
}

/** The turn of this process's event loop. */
export const loopTurn = new Turn()
