const limitMs = 30_000
const lookEveryMs = 10

/** Waits until something holds; fails after half a minute with what was waited for. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string) = '',
): Promise<void> {
  const deadline = Date.now() + limitMs
  while (!(await condition())) {
    if (Date.now() > deadline) {
      throw new Error(`did not happen within ${limitMs / 1000} s: ${typeof what === 'string' ? what : what()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
}
