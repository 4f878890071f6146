// The access log of a proxy, looked up by the tag in User-Agent.
import { textOf, WaitedLines } from './waited-lines.ts'

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
export class AccessLines extends WaitedLines<LogLine> {
  /** Takes a line of Istio's default JSON format; other lines are no access log. */
  add(text: string): void {
    if (!text.startsWith('{')) return
    const fields = JSON.parse(text) as Readonly<Record<string, unknown>>
    const tag = fields['user_agent']
    if (typeof tag !== 'string') return
    this.came(tag, {
      route: textOf(fields['route_name']),
      cluster: textOf(fields['upstream_cluster']),
      flags: textOf(fields['response_flags']) ?? '',
      details: textOf(fields['response_code_details']) ?? '',
    })
  }

  /** The line with the tag, once; undefined when none comes in time. */
  take(tag: string, status: number): Promise<LogLine | undefined> {
    return this.due(tag, status === 400 ? refusedWaitMs : waitMs)
  }
}
