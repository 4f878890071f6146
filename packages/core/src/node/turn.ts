import { Buffer } from 'node:buffer'
import { GatheredOutput } from '../gathered-output.ts'
import { holdClock, releaseClock } from './held-clock.ts'

/** A connection whose reads and writes a turn gathers. */
export interface TurnMember {
  /** `bytes[start, end)` came earlier in this turn; valid during the call. */
  arrived(bytes: Buffer, start: number, end: number): void
  /** `output.bytes[start, end)`, gathered in this turn, is to leave now. */
  leave(output: GatheredOutput, start: number, end: number): void
}

/** Longer pieces go their way at once: they are work enough by themselves. */
export const longestPieceBytes = 16 * 1024
const arrivalBytes = 128 * 1024
/** As large as the memory that takes its place while the kernel does not take all of it. */
const departureBytes = 64 * 1024
/** Beyond so many reads the gain is had, and the first of them has waited long enough. */
const mostPieces = 64
/** One turn in so many reads is looked at, and gathering begins when so many more came in it. */
const readsPerLook = 32
const busyReads = 4
/** Gathering ends after so many turns with fewer reads than that. */
const quietTurns = 16

/** Reads that wait, in the order they came. */
class Arrivals {
  length = 0
  count = 0
  /** The first that was not told. */
  next = 0
  readonly #memory = Buffer.allocUnsafeSlow(arrivalBytes)
  readonly #members: (TurnMember | undefined)[] = Array.from({ length: mostPieces })
  readonly #ends: number[] = Array.from({ length: mostPieces }, () => 0)

  fits(length: number): boolean {
    return this.length + length <= arrivalBytes && this.count < mostPieces
  }

  add(member: TurnMember, bytes: Buffer, length: number): void {
    bytes.copy(this.#memory, this.length, 0, length)
    this.length += length
    this.#members[this.count] = member
    this.#ends[this.count++] = this.length
  }

  /** Tells the next one. */
  tell(): void {
    const at = this.next++
    const member = this.#members[at] as TurnMember
    this.#members[at] = undefined
    member.arrived(this.#memory, at === 0 ? 0 : (this.#ends[at - 1] as number), this.#ends[at] as number)
  }

  clear(): void {
    this.length = 0
    this.count = 0
    this.next = 0
  }
}

/** Output that waits, in the order it was written. It lies where it was gathered. */
class Departures {
  count = 0
  /** The first that has not left. */
  #next = 0
  readonly #members: (TurnMember | undefined)[] = Array.from({ length: mostPieces })
  readonly #outputs: (GatheredOutput | undefined)[] = Array.from({ length: mostPieces })
  readonly #starts: number[] = Array.from({ length: mostPieces }, () => 0)
  readonly #ends: number[] = Array.from({ length: mostPieces }, () => 0)

  add(member: TurnMember, output: GatheredOutput): void {
    const at = this.count++
    this.#members[at] = member
    this.#outputs[at] = output
    this.#starts[at] = output.start
    this.#ends[at] = output.end
  }

  /**
   * All of it leaves: pieces of one connection that lie behind each other as one. A write that fails may end other connections, which lets
   * their output leave from within: so what was begun counts as gone.
   */
  leave(): void {
    while (this.#next < this.count) this.#leaveRun()
    for (let at = 0; at < this.count; at++) {
      this.#outputs[at]?.left()
      this.#members[at] = undefined
      this.#outputs[at] = undefined
    }
    this.count = 0
    this.#next = 0
  }

  #leaveRun(): void {
    const from = this.#next
    const member = this.#members[from] as TurnMember
    const output = this.#outputs[from] as GatheredOutput
    let to = from + 1
    while (to < this.count && this.#members[to] === member && this.#outputs[to] === output) to++
    this.#next = to
    member.leave(output, this.#starts[from] as number, this.#ends[to - 1] as number)
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
  #reads: Arrivals | undefined
  readonly #writes = new Departures()
  /** Output that was gathered nowhere. */
  #copies: GatheredOutput | undefined
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
  readonly #letLeave = (): void => this.flush()
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
    const reads = (this.#reads ??= new Arrivals())
    if (!reads.fits(length)) this.run()
    // A run that broke off has left something: that comes first.
    if (!reads.fits(length)) return false
    reads.add(member, bytes, length)
    this.#schedule()
    return true
  }

  /** Keeps output of a connection, for `leave`. False: the connection sees to it at once. */
  keepWrite(member: TurnMember, bytes: Buffer, length: number): boolean {
    if (!this.#gathers || length > longestPieceBytes) return false
    const copies = (this.#copies ??= new GatheredOutput(Buffer.allocUnsafeSlow(departureBytes)))
    copies.makeRoom(length)
    copies.add(bytes, length)
    return this.keepGathered(member, copies)
  }

  /** The same for what was gathered: it stays where it is. */
  keepGathered(member: TurnMember, output: GatheredOutput): boolean {
    if (!this.#gathers || output.end - output.start > longestPieceBytes) return false
    if (this.#writes.count === mostPieces) this.flush()
    this.#writes.add(member, output)
    output.keep(this.#letLeave)
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
    if (this.#writes.count > 0) this.#writes.leave()
  }

  #tell(): void {
    const reads = this.#reads
    if (reads === undefined || reads.count === 0) return
    if (reads.count >= busyReads) this.#quiet = 0
    else if (!this.#always && ++this.#quiet >= quietTurns) {
      this.#quiet = 0
      this.#gathers = false
    }
    while (reads.next < reads.count) reads.tell()
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
