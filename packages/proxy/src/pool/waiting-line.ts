import type { PoolContext, PoolWaiter } from './pool.ts'

/** Those who wait for a stream of a pool, in order of asking; each counts against the limit of the cluster. */
export class WaitingLine {
  readonly #context: Pick<PoolContext, 'budget'>
  readonly #waiters: PoolWaiter[] = []

  constructor(context: Pick<PoolContext, 'budget'>) {
    this.#context = context
  }

  get length(): number {
    return this.#waiters.length
  }

  /** False: too many wait already, and this one was told. */
  join(waiter: PoolWaiter): boolean {
    const { budget } = this.#context
    if (budget.pending >= budget.cluster.breakers.default.maxPendingRequests) {
      waiter.onPoolFailure({ kind: 'overflow' })
      return false
    }
    budget.pending += 1
    this.#waiters.push(waiter)
    return true
  }

  leave(waiter: PoolWaiter): void {
    const at = this.#waiters.indexOf(waiter)
    if (at < 0) return
    this.#waiters.splice(at, 1)
    this.#context.budget.pending -= 1
  }

  /** Who is first, and waits no more. */
  next(): PoolWaiter | undefined {
    const waiter = this.#waiters.shift()
    if (waiter !== undefined) this.#context.budget.pending -= 1
    return waiter
  }

  /** All of them, who wait no more. */
  surrender(): readonly PoolWaiter[] {
    const waiters = this.#waiters.splice(0)
    this.#context.budget.pending -= waiters.length
    return waiters
  }
}
