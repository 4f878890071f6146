import type { Runtime } from '@weft/core'

/** Does something once everything that has arrived was told. */
export interface TurnTask {
  atTurnEnd(): void
}

/**
 * The end of a turn of the event loop. Output of all connections is gathered until then, so that what one read (or the reads of
 * many connections) sets off leaves in one write per connection.
 */
export class TurnEnd {
  readonly #defer: (run: () => void) => void
  readonly #run = (): void => this.#runAll()
  /** Of which `#count` are to run. Never emptied by its length: that would have it grow anew each turn. */
  #tasks: (TurnTask | undefined)[] = []
  #spare: (TurnTask | undefined)[] = []
  #count = 0
  #scheduled = false

  constructor({ timers }: Pick<Runtime, 'timers'>) {
    this.#defer = timers.soon?.bind(timers) ?? queueMicrotask
  }

  /** Each task is added once per turn: that is its own business. */
  add(task: TurnTask): void {
    this.#tasks[this.#count++] = task
    if (this.#scheduled) return
    this.#scheduled = true
    this.#defer(this.#run)
  }

  #runAll(): void {
    const tasks = this.#tasks
    const count = this.#count
    this.#tasks = this.#spare
    this.#spare = tasks
    this.#count = 0
    this.#scheduled = false
    let at = 0
    try {
      while (at < count) this.#take(tasks, at++).atTurnEnd()
    } finally {
      // After a bug in one of them the others go on.
      while (at < count) this.add(this.#take(tasks, at++))
    }
  }

  #take(tasks: (TurnTask | undefined)[], at: number): TurnTask {
    const task = tasks[at] as TurnTask
    tasks[at] = undefined
    return task
  }
}
