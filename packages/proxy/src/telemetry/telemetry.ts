import type { AccessLog, FilterChain, Listener } from '@weft/engine'
import type { AccessLogger } from './access-log.ts'
import type { TelemetrySink } from './exchange-record.ts'
import { type IstioMetrics, LastPair } from './istio-metrics.ts'

/** Where the exchanges of one connection report to, by its listener and chain at the time. */
export function telemetrySink(
  metrics: IstioMetrics,
  logger: AccessLogger | undefined,
  where: { listener(): Listener; chain(): FilterChain },
): TelemetrySink {
  const logs = (): readonly AccessLog[] => where.chain().terminal.accessLogs
  const last = new LastPair()
  return {
    onExchange: (record) => {
      metrics.exchange(where.listener().direction, record, last)
      logger?.log(record, logs())
    },
    onTcpOpened: (ends) => {
      if (!carries(where)) metrics.tcpOpened(where.listener().direction, ends)
    },
    onTcpClosed: (record) => {
      if (!carries(where)) metrics.tcpClosed(where.listener().direction, record)
      logger?.log(record, logs())
    },
  }
}

/** Whether bytes only pass here on their way into a tunnel: the connection they came on was counted, with its destination's names. */
function carries(where: { listener(): Listener; chain(): FilterChain }): boolean {
  const { terminal } = where.chain()
  return where.listener().address.kind === 'internal' && terminal.kind === 'tcp' && terminal.tunneling !== undefined
}
