import { setFlagsFromString } from 'node:v8'

let asked = false

/**
 * Has V8 optimise after 300 calls instead of 3,000, from the first time on that this is called: at some hundred requests a second the first ten
 * seconds of a proxy, and so a hot restart, would be spent in slow code. Not before somebody connects: what a start calls that often it
 * never calls again, and the optimising compiler is 6 MB of Node's executable that an idle proxy need not touch.
 * See docs/decisions/0049-code-that-is-fast-sooner.md.
 */
export function optimiseSoon(): void {
  if (asked) return
  asked = true
  setFlagsFromString('--invocation-count-for-turbofan=300')
  setFlagsFromString('--minimum-invocations-after-ic-update=100')
}
