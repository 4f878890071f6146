import type { GatheredOutput } from './transport.ts'

const keptViews = 512

/** One memory of which the beginning is looked at, mostly in a few lengths: views of those are kept, so that looking makes no garbage. */
export class KeptViews implements GatheredOutput {
  bytes: Buffer
  #views: (Buffer | undefined)[] = noViews()

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  /** The first bytes. */
  view(length: number): Buffer {
    const kept = this.#views[length % keptViews]
    return kept?.length === length ? kept : this.#newView(length)
  }

  #newView(length: number): Buffer {
    const view = this.bytes.subarray(0, length)
    this.#views[length % keptViews] = view
    return view
  }

  replace(other: Buffer): void {
    this.bytes = other
    this.#views = noViews()
  }
}

function noViews(): (Buffer | undefined)[] {
  return Array.from({ length: keptViews })
}
