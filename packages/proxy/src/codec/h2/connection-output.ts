import type { Transport } from '@weft/core'
import { type BufferPool, OutputBuffer } from './output-buffer.ts'
import type { TurnEnd, TurnTask } from './turn-end.ts'

/** Gathered output beyond this is sent without waiting for the turn's end. */
const flushBytes = 64 * 1024

/** What all HTTP/2 connections of a proxy share. */
export interface H2Turn {
  readonly turnEnd: TurnEnd
  readonly buffers: BufferPool
}

/** The output of one connection: frames gather and leave in one write, at the end of a turn. */
export class ConnectionOutput extends OutputBuffer {
  readonly transport: Transport
  /** The transport takes nothing until it has drained. */
  blocked = false
  /** Writes so far: what was gathered before one of them is on its way. */
  writes = 0
  /** Frames in the buffer, or held by a blocked transport, that the peer made us owe. */
  owed = 0
  /** Heads of answers among what the peer has yet to take. */
  heads = 0
  readonly #turnEnd: TurnEnd
  readonly #task: TurnTask
  #scheduled = false

  /** `task` runs at the end of a turn in which `dirty` was called, and must call `flush`. */
  constructor(transport: Transport, turn: H2Turn, task: TurnTask) {
    super(turn.buffers)
    this.transport = transport
    this.#turnEnd = turn.turnEnd
    this.#task = task
  }

  /** Something was gathered, or is to be done at the turn's end. */
  dirty(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#turnEnd.add(this.#task)
  }

  /** To be called first by the task. */
  turnOver(): void {
    this.#scheduled = false
  }

  /** Sends what was gathered once it is large. */
  flushLarge(): void {
    if (this.length >= flushBytes) this.flush()
  }

  flush(): void {
    if (this.length === 0 || this.blocked) return
    const taken = this.transport.write(this.bytes.subarray(0, this.length))
    this.writes++
    this.clear()
    if (taken) this.#allTaken()
    else this.blocked = true
  }

  /** The transport has drained. */
  drained(): void {
    this.blocked = false
    this.#allTaken()
    this.flush()
  }

  #allTaken(): void {
    this.owed = 0
    this.heads = 0
  }
}
