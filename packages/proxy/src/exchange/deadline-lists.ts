import type { Clock, Timer, Timers } from '@weft/core'

/** Told when a deadline passed. */
export interface DeadlineOwner {
  onDeadline(deadline: Deadline): void
}

/** A point in time by which something must have happened; armed and disarmed often, fired rarely. */
export class Deadline {
  readonly owner: DeadlineOwner
  dueMs = 0
  list: DeadlineList | undefined = undefined
  /** The list it was in last: most are armed with the same duration again. */
  lastList: DeadlineList | undefined = undefined
  previous: Deadline | undefined = undefined
  next: Deadline | undefined = undefined

  constructor(owner: DeadlineOwner) {
    this.owner = owner
  }
}

/** Deadlines of one duration: since all wait equally long, they are in order of their end. */
interface DeadlineList {
  readonly delayMs: number
  head: Deadline | undefined
  tail: Deadline | undefined
  timer: Timer | undefined
}

/** Beyond so many different durations, further ones are rounded up (by 3 % at most): a client's header may ask for any. */
const maxExactDurations = 128

/**
 * Deadlines without a timer each: one list and at most one timer per duration, so that arming and disarming, done
 * several times per request, only relinks a list. A deadline may fire up to a millisecond late, never early.
 */
export class DeadlineLists {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #lists = new Map<number, DeadlineList>()
  #recent: DeadlineList | undefined = undefined

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock
    this.#timers = timers
  }

  /** (Re)arms a deadline, `delayMs` from now; of 0 only disarms it: no limit. */
  arm(deadline: Deadline, delayMs: number, nowMs = this.#clock.nowMs()): void {
    this.disarm(deadline)
    if (delayMs <= 0) return
    const last = deadline.lastList
    // A list with a timer is one of ours still.
    const list = last?.delayMs === delayMs && last.timer !== undefined ? last : this.#listLike(delayMs)
    deadline.dueMs = nowMs + list.delayMs
    deadline.list = list
    deadline.lastList = list
    deadline.previous = list.tail
    if (list.tail === undefined) list.head = deadline
    else list.tail.next = deadline
    list.tail = deadline
    if (list.timer === undefined) this.#schedule(list, list.delayMs)
  }

  /** Disarms a deadline; does nothing when it is not armed. */
  disarm(deadline: Deadline): void {
    const { list, previous, next } = deadline
    if (list === undefined) return
    if (previous === undefined) list.head = next
    else previous.next = next
    if (next === undefined) list.tail = previous
    else next.previous = previous
    deadline.list = undefined
    deadline.previous = undefined
    deadline.next = undefined
  }

  /** Cancels everything without firing. */
  close(): void {
    for (const list of this.#lists.values()) list.timer?.cancel()
    this.#lists.clear()
  }

  /** Mostly the one that was asked for before. */
  #listLike(delayMs: number): DeadlineList {
    const recent = this.#recent
    if (recent?.delayMs === delayMs && recent.timer !== undefined) return recent
    return (this.#recent = this.#listOf(delayMs))
  }

  #listOf(delayMs: number): DeadlineList {
    const known = this.#lists.get(delayMs)
    if (known !== undefined) return known
    const exact = this.#lists.size < maxExactDurations
    const kept = exact ? delayMs : roundedUp(delayMs)
    let list = this.#lists.get(kept)
    if (list === undefined) {
      list = { delayMs: kept, head: undefined, tail: undefined, timer: undefined }
      this.#lists.set(kept, list)
    }
    return list
  }

  #schedule(list: DeadlineList, delayMs: number): void {
    list.timer = this.#timers.set(delayMs, () => this.#fire(list), { keepAlive: false })
  }

  #fire(list: DeadlineList): void {
    list.timer = undefined
    const nowMs = this.#clock.nowMs()
    for (let first = list.head; first !== undefined && first.dueMs <= nowMs; first = list.head) {
      this.disarm(first)
      first.owner.onDeadline(first)
    }
    if (list.timer !== undefined) return
    if (list.head !== undefined) this.#schedule(list, Math.max(1, Math.ceil(list.head.dueMs - nowMs)))
    else this.#lists.delete(list.delayMs)
  }
}

/** To one of 32 steps between two powers of two. */
function roundedUp(delayMs: number): number {
  const step = 2 ** Math.max(0, Math.floor(Math.log2(delayMs)) - 5)
  return Math.ceil(delayMs / step) * step
}
