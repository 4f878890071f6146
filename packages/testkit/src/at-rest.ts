import { until } from './until.ts'

const restMs = 200

/** Waits until a count has begun to grow and has then been the same for 0.2 s, and returns it: what is held back has been held back. Fails after half a minute. */
export async function atRest(count: () => number, what: string): Promise<number> {
  let last = 0
  let sinceMs = performance.now()
  await until(
    () => {
      const now = count()
      if (now !== last) [last, sinceMs] = [now, performance.now()]
      return last > 0 && performance.now() - sinceMs >= restMs
    },
    () => `${what} comes to rest, it is ${last}`,
  )
  return last
}
