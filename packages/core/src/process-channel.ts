// Questions and answers between two processes of one machine, over a channel that can carry descriptors. Pure: what
// posts a message and what time it is come from outside.
import { err, ok, type Result } from './result.ts'
import type { Timer, Timers } from './runtime.ts'

/** Name -> what is asked and what is answered. */
export type Questions = Readonly<Record<string, readonly [asked: unknown, answer: unknown]>>

/** An answer, and a descriptor (a native handle) that goes with it. */
export interface Answer<T> {
  readonly value: T
  readonly handle?: object | undefined
}

/** What one side does when the other asks. A throw is an answer, too: the asker hears its message. */
export type Answering<Asked extends Questions> = {
  readonly [Name in keyof Asked]: (question: Asked[Name][0]) => Answer<Asked[Name][1]> | Promise<Answer<Asked[Name][1]>>
}

/** Sends one message; a peer that is gone is no error here: the question is then never answered. */
export type Post = (message: object, handle?: object) => void

interface Waiting {
  readonly settle: (result: Result<Answer<unknown>>) => void
  readonly timer: Timer
}

/** Open questions at once; far more than any side has work for. */
const maxWaiting = 1_000

/** One end of the channel. */
export class ProcessChannel<Mine extends Questions, Theirs extends Questions> {
  readonly #post: Post
  readonly #timers: Timers
  readonly #answering: Answering<Theirs>
  readonly #waiting = new Map<number, Waiting>()
  #next = 1
  #closed = false

  constructor(post: Post, timers: Timers, answering: Answering<Theirs>) {
    this.#post = post
    this.#timers = timers
    this.#answering = answering
  }

  /** Asks the other side; the error says that no answer came in time, that it is gone, or why it would not. */
  ask<Name extends keyof Mine & string>(
    name: Name,
    question: Mine[Name][0],
    timeoutMs: number,
  ): Promise<Result<Answer<Mine[Name][1]>>> {
    if (this.#closed) return Promise.resolve(err('the other process is gone'))
    if (this.#waiting.size >= maxWaiting) return Promise.resolve(err('too many questions are open'))
    const id = this.#next++
    return new Promise((resolve) => {
      const timer = this.#timers.set(timeoutMs, () => this.#settle(id, err(`no answer within ${timeoutMs} ms`)))
      this.#waiting.set(id, { timer, settle: resolve as Waiting['settle'] })
      this.#post({ id, ask: name, question })
    })
  }

  /** To be called with every message that arrives; one that is none of ours is dropped. */
  receive(message: unknown, handle: unknown): void {
    if (typeof message !== 'object' || message === null) return
    const { id, ask, question, answer, error } = message as Readonly<Record<string, unknown>>
    if (typeof id !== 'number') return
    if (typeof ask === 'string') void this.#answer(id, ask, question)
    else if (typeof error === 'string') this.#settle(id, err(error))
    else {
      const native = typeof handle === 'object' && handle !== null ? handle : undefined
      this.#settle(id, ok({ value: answer, handle: native }))
    }
  }

  /** The other side is gone: every open question fails now. */
  close(): void {
    this.#closed = true
    for (const id of [...this.#waiting.keys()]) this.#settle(id, err('the other process is gone'))
  }

  async #answer(id: number, name: string, question: unknown): Promise<void> {
    const answering = Object.hasOwn(this.#answering, name) ? this.#answering[name as keyof Theirs] : undefined
    if (answering === undefined) return this.#post({ id, error: `nothing is known of ${name}` })
    try {
      const { value, handle } = await answering(question as never)
      this.#post({ id, answer: value }, handle)
    } catch (error) {
      this.#post({ id, error: error instanceof Error ? error.message : String(error) })
    }
  }

  #settle(id: number, result: Result<Answer<unknown>>): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    waiting.timer.cancel()
    waiting.settle(result)
  }
}
