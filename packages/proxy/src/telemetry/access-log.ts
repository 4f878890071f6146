import type { Runtime, Timer } from '@weft/core'
import type { AccessLog, FormatTemplate } from '@weft/engine'
import type { MetricsRegistry } from './metrics-registry.ts'
import { type LogRecord, type LogValue, operatorValue } from './log-operators.ts'

/** Lines wait at most this long, and at most this many characters wait, before they are written together. */
const flushDelayMs = 100
const flushChars = 32 * 1024
/** More waits only when the reader of our output is stuck; then lines are dropped and counted. */
const maxWaitingChars = 4 * 1024 * 1024

/** Where finished lines go: true when taken, false when the reader is behind (then `write` is tried again later). */
export interface LogOutput {
  write(text: string): boolean
}

type Formatter = (record: LogRecord) => string

/** The keys of Istio's default JSON access log, for a connection manager that sets no format of its own. */
const istioDefault: ReadonlyMap<string, FormatTemplate> = new Map(
  [
    ['start_time', 'START_TIME'],
    ['route_name', 'ROUTE_NAME'],
    ['method', 'REQ', ':METHOD'],
    ['path', 'REQ', 'X-ENVOY-ORIGINAL-PATH?:PATH'],
    ['protocol', 'PROTOCOL'],
    ['response_code', 'RESPONSE_CODE'],
    ['response_flags', 'RESPONSE_FLAGS'],
    ['response_code_details', 'RESPONSE_CODE_DETAILS'],
    ['connection_termination_details', 'CONNECTION_TERMINATION_DETAILS'],
    ['bytes_received', 'BYTES_RECEIVED'],
    ['bytes_sent', 'BYTES_SENT'],
    ['duration', 'DURATION'],
    ['upstream_service_time', 'RESP', 'X-ENVOY-UPSTREAM-SERVICE-TIME'],
    ['x_forwarded_for', 'REQ', 'X-FORWARDED-FOR'],
    ['user_agent', 'REQ', 'USER-AGENT'],
    ['request_id', 'REQ', 'X-REQUEST-ID'],
    ['authority', 'REQ', ':AUTHORITY'],
    ['upstream_host', 'UPSTREAM_HOST'],
    ['upstream_cluster', 'UPSTREAM_CLUSTER_RAW'],
    ['upstream_local_address', 'UPSTREAM_LOCAL_ADDRESS'],
    ['downstream_local_address', 'DOWNSTREAM_LOCAL_ADDRESS'],
    ['downstream_remote_address', 'DOWNSTREAM_REMOTE_ADDRESS'],
    ['requested_server_name', 'REQUESTED_SERVER_NAME'],
    ['upstream_transport_failure_reason', 'UPSTREAM_TRANSPORT_FAILURE_REASON'],
  ].map(([key, operator, argument]) => [
    key as string,
    [{ operator: operator as string, argument, maxLength: undefined }],
  ]),
)

/** Formats records by the access logs of their listener and writes them in batches; formatters are compiled once. */
export class AccessLogger {
  readonly #timers: Runtime['timers']
  readonly #output: LogOutput
  readonly #dropped: () => void
  readonly #formatters = new WeakMap<AccessLog, Formatter>()
  #waiting: string[] = []
  #waitingChars = 0
  #timer: Timer | undefined
  /** Our reader did not take what was written last: what waits is not put together again for each line. */
  #refused = false
  /** Lines are dropped until our reader takes some. */
  #full = false

  constructor(timers: Runtime['timers'], output: LogOutput, metrics: MetricsRegistry) {
    this.#timers = timers
    this.#output = output
    const family = metrics.counter({
      name: 'weft_access_log_lines_dropped_total',
      help: 'Lines of access logs that were thrown away because nobody read them.',
      labels: [],
    })
    const series = family.series([])
    this.#dropped = () => family.add(series, 1)
  }

  /** One line per access log. */
  log(record: LogRecord, logs: readonly AccessLog[]): void {
    for (const log of logs) {
      if (log.path === '/dev/null') continue
      const line = this.#full ? '' : this.#formatterOf(log)(record)
      this.#full ||= this.#waitingChars + line.length > maxWaitingChars
      if (this.#full) {
        this.#dropped()
        continue
      }
      this.#waiting.push(line)
      this.#waitingChars += line.length
    }
    if (this.#waitingChars >= flushChars && !this.#refused) this.flush()
    else if (this.#waiting.length > 0) this.#arm()
  }

  /** Writes what waits, now. */
  flush(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#waiting.length === 0) return
    const text = this.#waiting.join('')
    this.#refused = !this.#output.write(text)
    if (this.#refused) {
      this.#waiting = [text]
      return this.#arm()
    }
    this.#waiting = []
    this.#waitingChars = 0
    this.#full = false
  }

  #arm(): void {
    this.#timer ??= this.#timers.set(
      flushDelayMs,
      () => {
        this.#timer = undefined
        this.flush()
      },
      { keepAlive: false },
    )
  }

  #formatterOf(log: AccessLog): Formatter {
    const known = this.#formatters.get(log)
    if (known !== undefined) return known
    const { format } = log
    const made = format !== undefined && 'text' in format ? textFormatter(format.text) : jsonFormatter(format?.json)
    this.#formatters.set(log, made)
    return made
  }
}

function jsonFormatter(fields: ReadonlyMap<string, FormatTemplate> = istioDefault): Formatter {
  const parts = [...fields].map(([key, template]) => ({ prefix: `${JSON.stringify(key)}:`, value: valueOf(template) }))
  return (record) => {
    let text = '{'
    for (const { prefix, value } of parts) {
      const found = value(record)
      text += `${text.length > 1 ? ',' : ''}${prefix}${found === undefined ? 'null' : JSON.stringify(found)}`
    }
    return `${text}}\n`
  }
}

function textFormatter(template: FormatTemplate): Formatter {
  const parts = template.map((part) => (typeof part === 'string' ? () => part : operatorValue(part)))
  return (record) => {
    const line = parts.map((part) => String(part(record) ?? '-')).join('')
    return line.endsWith('\n') ? line : `${line}\n`
  }
}

/** A template of one operator keeps its type (numbers stay numbers); a longer one is text. */
function valueOf(template: FormatTemplate): (record: LogRecord) => LogValue {
  const [only] = template
  if (template.length === 1 && only !== undefined) return typeof only === 'string' ? () => only : operatorValue(only)
  const parts = template.map((part) => (typeof part === 'string' ? () => part : operatorValue(part)))
  return (record) => parts.map((part) => String(part(record) ?? '-')).join('')
}
