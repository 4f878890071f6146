/** What can be found by its number. */
interface Numbered {
  readonly id: number
}

const fewestSlots = 16

/**
 * The open streams of a connection by their number. Not a Map: whenever a Map has seen as many deletions as it has room for, it leaves its
 * table behind, full of what was in it and linked to the next one. Once such a table is old, the collector of young objects keeps all that
 * follow it, and with them the streams of every request since: it promotes what should have died. Here a slot is emptied and used again.
 */
export class StreamTable<S extends Numbered> {
  size = 0
  /** At most half full. A stream lies in its own slot, or behind it with no empty one in between. */
  #slots: (S | undefined)[] = emptySlots(fewestSlots)

  get(id: number): S | undefined {
    const slots = this.#slots
    const mask = slots.length - 1
    for (let at = ownSlot(id, mask); ; at = (at + 1) & mask) {
      const stream = slots[at]
      if (stream === undefined || stream.id === id) return stream
    }
  }

  /** Its number must not be there yet. */
  add(stream: S): void {
    if (++this.size * 2 > this.#slots.length) this.#resize(this.#slots.length * 2)
    this.#put(stream)
  }

  delete(id: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let at = ownSlot(id, mask)
    for (; slots[at]?.id !== id; at = (at + 1) & mask) if (slots[at] === undefined) return
    this.size--
    // The slot is filled by the next one behind it whose own slot does not lie between, and so on.
    for (let next = (at + 1) & mask; ; next = (next + 1) & mask) {
      const stream = slots[next]
      if (stream === undefined) break
      if (((next - ownSlot(stream.id, mask)) & mask) < ((next - at) & mask)) continue
      slots[at] = stream
      at = next
    }
    slots[at] = undefined
    if (this.size === 0 && slots.length > fewestSlots) this.#resize(fewestSlots)
  }

  /** All of them, in the order of their numbers; those that come or go meanwhile change nothing about it. */
  all(): S[] {
    const streams = this.#slots.filter((stream) => stream !== undefined)
    return streams.sort((a, b) => a.id - b.id)
  }

  #put(stream: S): void {
    const slots = this.#slots
    const mask = slots.length - 1
    let at = ownSlot(stream.id, mask)
    while (slots[at] !== undefined) at = (at + 1) & mask
    slots[at] = stream
  }

  #resize(count: number): void {
    const before = this.#slots
    this.#slots = emptySlots(count)
    for (const stream of before) if (stream !== undefined) this.#put(stream)
    before.fill(undefined)
  }
}

/** A peer's numbers are all odd or all even, and follow each other: hardly two share a slot. */
function ownSlot(id: number, mask: number): number {
  return (id >>> 1) & mask
}

function emptySlots<S>(count: number): (S | undefined)[] {
  return Array.from({ length: count }, () => undefined)
}
