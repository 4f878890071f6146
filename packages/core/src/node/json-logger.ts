import type { LogFields, Logger } from '../runtime.ts'

/** Levels in rising order of importance. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const

/** One of `logLevels`. */
export type LogLevel = (typeof logLevels)[number]

/** What a logger writes with; `write` gets one line with its newline. */
export interface LogSink {
  readonly level: LogLevel
  readonly wallMs: () => number
  readonly write: (line: string) => void
}

/** A logger that prints one JSON object a line: time, level, msg, then the fields. */
export function jsonLogger(sink: LogSink, fields: LogFields = {}): Logger {
  const threshold = logLevels.indexOf(sink.level)
  const print = (level: LogLevel, message: string, more?: LogFields): void => {
    if (logLevels.indexOf(level) < threshold) return
    const time = new Date(sink.wallMs()).toISOString()
    sink.write(`${JSON.stringify({ time, level, msg: message, ...fields, ...more })}\n`)
  }
  return {
    debug: (message, more) => print('debug', message, more),
    info: (message, more) => print('info', message, more),
    warn: (message, more) => print('warn', message, more),
    error: (message, more) => print('error', message, more),
    child: (more) => jsonLogger(sink, { ...fields, ...more }),
  }
}
