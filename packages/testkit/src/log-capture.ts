import type { Clock, LogFields, Logger } from '@weft/core'

/** Everything logged, one JSON text per line, in order; `text` is what byte-equality of two runs is judged on. */
export class LogCapture {
  readonly lines: string[] = []

  text(): string {
    return this.lines.map((line) => `${line}\n`).join('')
  }

  /** A logger whose lines carry virtual time and `fields`. */
  logger(clock: Clock, fields: LogFields): Logger {
    const write =
      (level: string) =>
      (message: string, more?: LogFields): void => {
        this.lines.push(JSON.stringify({ t: clock.nowMs(), level, ...fields, message, ...more }))
      }
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (more) => this.logger(clock, { ...fields, ...more }),
    }
  }
}
