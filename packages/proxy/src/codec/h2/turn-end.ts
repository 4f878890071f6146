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
  #tasks: TurnTask[] = []
  #spare: TurnTask[] = []
  #scheduled = false

  constructor({ timers }: Pick<Runtime, 'timers'>) {
    this.#defer = timers.soon?.bind(timers) ?? queueMicrotask
  }

  /** Each task is added once per turn: that is its own business. */
  add(task: TurnTask): void {
    this.#tasks.push(task)
    if (this.#scheduled) return
    this.#scheduled = true
    this.#defer(this.#run)
  }

  #runAll(): void {
    const tasks = this.#tasks
    this.#tasks = this.#spare
    this.#scheduled = false
    for (let at = 0; at < tasks.length; at++) (tasks[at] as TurnTask).atTurnEnd()
    tasks.length = 0
    this.#spare = tasks
  }
}
