// Lines of many processes on one terminal: each with the name of its process before it, coloured when it is a terminal.
import type { LogFields, Logger } from '@weft/core'

/** Where lines go. */
export interface LogPrinter {
  /** A line of a workload, as it came. */
  line(label: string, text: string): void
  /** A line of one of Weft's own processes: JSON logs are shortened for people, `debug` and `info` only when verbose. */
  weft(label: string, text: string): void
  /** A line of the supervisor itself. */
  say(text: string): void
  problem(text: string): void
}

const COLOURS = [36, 32, 35, 34, 33, 96, 92, 95, 94, 93]

/** Prints with `write`, which gets whole lines. */
export function logPrinter(options: {
  readonly write: (text: string) => void
  readonly colours: boolean
  readonly verbose: boolean
}): LogPrinter {
  const { write, colours, verbose } = options
  const chosen = new Map<string, number>()
  let width = 8
  const paint = (text: string, colour: number): string => (colours ? `\x1b[${colour}m${text}\x1b[0m` : text)
  const line = (label: string, text: string): void => {
    const colour = chosen.get(label) ?? (COLOURS[chosen.size % COLOURS.length] as number)
    chosen.set(label, colour)
    width = Math.max(width, label.length)
    write(`${paint(`${label.padEnd(width)} |`, colour)} ${text}\n`)
  }
  return {
    line,
    weft(label, text) {
      const entry = jsonEntry(text)
      if (entry === undefined) {
        if (text.trim() !== '') line(label, text)
      } else if (verbose || entry.level === 'warn' || entry.level === 'error') {
        line(label, `${entry.level === 'error' ? paint('error', 31) : entry.level} ${entry.text}`)
      }
    },
    say: (text) => write(`${text}\n`),
    problem: (text) => write(`${paint('weft:', 31)} ${text}\n`),
  }
}

function jsonEntry(text: string): { level: string; text: string } | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    const { level, msg, time: _time, ...fields } = JSON.parse(text) as Record<string, unknown>
    if (typeof level !== 'string' || typeof msg !== 'string') return undefined
    return { level, text: [msg, fieldText(fields)].filter((part) => part !== '').join(' ') }
  } catch {
    return undefined
  }
}

function fieldText(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
}

/** A logger for the supervisor's own parts, printed as the other processes' lines are. */
export function printerLogger(printer: LogPrinter, label: string, base: LogFields = {}): Logger {
  const log = (level: string) => (message: string, fields?: LogFields) =>
    printer.weft(label, JSON.stringify({ level, msg: message, ...base, ...fields }))
  return {
    debug: () => {},
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (fields) => printerLogger(printer, label, { ...base, ...fields }),
  }
}
