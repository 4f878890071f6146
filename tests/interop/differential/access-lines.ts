// The access log of a proxy, looked up by the tag in User-Agent.

/** What is compared, or shown with a difference. */
export interface LogLine {
  readonly route: string | undefined
  readonly cluster: string | undefined
  readonly flags: string
  readonly details: string
}

const waitMs = 20_000
/** A head that was refused (400) is logged without its User-Agent. */
const refusedWaitMs = 150

/** Takes lines as they come and hands each to who waits for its tag. */
export class AccessLines {
  readonly #lines = new Map<string, LogLine>()
  readonly #waiting = new Map<string, (line: LogLine) => void>()

  /** Takes a line of Istio's default JSON format; other lines are no access log. */
  add(text: string): void {
    if (!text.startsWith('{')) return
    const fields = JSON.parse(text) as Readonly<Record<string, unknown>>
    const tag = fields['user_agent']
    if (typeof tag !== 'string') return
    const line = {
      route: textOf(fields['route_name']),
      cluster: textOf(fields['upstream_cluster']),
      flags: textOf(fields['response_flags']) ?? '',
      details: textOf(fields['response_code_details']) ?? '',
    }
    const waiting = this.#waiting.get(tag)
    this.#waiting.delete(tag)
    if (waiting === undefined) this.#lines.set(tag, line)
    else waiting(line)
  }

  /** The line with the tag, once; undefined when none comes in time. */
  take(tag: string, status: number): Promise<LogLine | undefined> {
    const line = this.#lines.get(tag)
    this.#lines.delete(tag)
    if (line !== undefined) return Promise.resolve(line)
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => {
          this.#waiting.delete(tag)
          resolve(undefined)
        },
        status === 400 ? refusedWaitMs : waitMs,
      )
      this.#waiting.set(tag, (found) => {
        clearTimeout(timer)
        resolve(found)
      })
    })
  }
}

/** Envoy writes null for what there is not, Weft `-` or null. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '-' && value !== '' ? value : undefined
}
