import type { Timers } from '@weft/core'
import type { AccessLog, FilterChain, Listener } from '@weft/engine'
import type { AccessLogger } from './access-log.ts'
import type { ChangedListener } from './changed-metrics.ts'
import type { TcpRecord, TelemetrySink } from './exchange-record.ts'
import { type IstioMetrics, LastPair } from './istio-metrics.ts'
import { TcpReports } from './tcp-reports.ts'

/** Where the exchanges of one connection report to, by its listener and chain at the time. */
export function telemetrySink(
  metrics: IstioMetrics,
  logger: AccessLogger | undefined,
  where: { listener(): Listener; chain(): FilterChain },
  timers: Timers,
): TelemetrySink {
  const logs = (): readonly AccessLog[] => where.chain().terminal.accessLogs
  const last = new LastPair()
  let reports: TcpReports | undefined
  const closed = (record: Omit<TcpRecord, 'details' | 'startWallMs'>, carried: object | undefined): void => {
    const listener = where.listener()
    const counted = reports?.end(carried)
    if (isChanged(listener)) metrics.tcpClosedChanged(listener, record, counted)
    else metrics.tcpClosed(listener.direction, record, counted)
  }
  return {
    onExchange: (record) => {
      const listener = where.listener()
      if (record.tunnelled === true) closed(record, record)
      else if (isChanged(listener)) metrics.exchangeChanged(listener, record)
      else metrics.exchange(listener.direction, record, last)
      logger?.log(record, logs())
    },
    onMessages: (record) => {
      const listener = where.listener()
      if (isChanged(listener)) metrics.messagesChanged(listener, record)
      else metrics.messages(listener.direction, record, last)
    },
    messagesEveryMs: () => where.listener().metrics?.reportingMs || defaultReportingMs,
    onTcpOpened: (ends, carried) => {
      if (carries(where)) return
      const listener = where.listener()
      if (!isChanged(listener)) return metrics.tcpOpened(listener.direction, ends)
      metrics.tcpOpenedChanged(listener, ends)
      const { reportingMs } = listener.metrics
      if (reportingMs === 0) return
      reports ??= new TcpReports(timers)
      reports.begin(carried, reportingMs, (since) => metrics.tcpCarriedChanged(listener, { ...ends, ...since }))
    },
    onTcpClosed: (record) => {
      if (!carries(where)) closed(record, record.carried)
      logger?.log(record, logs())
    },
  }
}

/** As in Istio. */
const defaultReportingMs = 5_000

function isChanged(listener: Listener): listener is Listener & ChangedListener {
  return listener.metrics !== undefined
}

/** Whether bytes only pass here on their way into a tunnel: the connection they came on was counted, with its destination's names. */
function carries(where: { listener(): Listener; chain(): FilterChain }): boolean {
  const { terminal } = where.chain()
  return where.listener().address.kind === 'internal' && terminal.kind === 'tcp' && terminal.tunneling !== undefined
}
