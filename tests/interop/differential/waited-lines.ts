// Lines of a log, handed to who waits for them.

/** Keeps lines by what they are looked up by, until somebody asks. */
export class WaitedLines<Line> {
  readonly #lines = new Map<string, Line>()
  readonly #waiting = new Map<string, (line: Line) => void>()

  /** A line has come: who waits for it has it, or it is kept. */
  protected came(key: string, line: Line): void {
    const waiting = this.#waiting.get(key)
    this.#waiting.delete(key)
    if (waiting === undefined) this.#lines.set(key, line)
    else waiting(line)
  }

  /** The line, once; undefined when none comes in time. Without a time only one that is there already. */
  protected async due(key: string, waitMs: number | undefined): Promise<Line | undefined> {
    const line = this.#lines.get(key)
    this.#lines.delete(key)
    if (line !== undefined || waitMs === undefined) return line
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(key)
        resolve(undefined)
      }, waitMs)
      this.#waiting.set(key, (found) => {
        clearTimeout(timer)
        resolve(found)
      })
    })
  }

  /** Forgets what nobody asked for. */
  clear(): void {
    this.#lines.clear()
  }
}

/** Envoy writes null for what there is not, Weft `-` or null. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '-' && value !== '' ? value : undefined
}
