const limitMs = 60_000

/** What a promise brings; fails after a minute with what was waited for. What is awaited from another end of a connection may never come. */
export async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`did not happen within ${limitMs / 1000} s: ${what}`)), limitMs)
    // Where nothing is left that could make it happen, the test fails at once.
    timer.unref()
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
