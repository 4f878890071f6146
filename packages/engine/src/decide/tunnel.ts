// What a TCP proxy that tunnels asks its upstream for, and whose certificate it expects there.
import type { TcpProxy, Tunneling } from '../model.ts'
import type { ConnectionFacts } from '../request-head.ts'
import { connectionValue } from './connection-value.ts'
import { formatText } from './format-text.ts'

/** A tunnel as it is asked for. */
export interface TunnelTarget {
  /** What CONNECT names. */
  readonly authority: string
  /** Lower-case name and value in turn. */
  readonly headers: readonly string[]
}

/** The tunnel for one connection; undefined: what was put together from it cannot stand in a request. */
export function tunnelTarget({ hostname, headers }: Tunneling, facts: ConnectionFacts): TunnelTarget | undefined {
  const read = (operator: Parameters<typeof connectionValue>[0]): string | undefined => connectionValue(operator, facts)
  const authority = formatText(hostname, read, '')
  if (!/^[\x21-\x7e]+$/.test(authority)) return undefined
  const lines: string[] = []
  for (const { name, value } of headers) {
    const text = formatText(value, read, '')
    if (/[\0\r\n]/.test(text)) return undefined
    lines.push(name, text)
  }
  return { authority, headers: lines }
}

/**
 * The names of which the upstream's certificate must carry one, besides what the cluster asks for; undefined: nothing was asked. A name
 * that is not known for this connection is '', which no certificate has.
 */
export function expectedNames({ upstreamNames }: TcpProxy, facts: ConnectionFacts): readonly string[] | undefined {
  if (upstreamNames === undefined) return undefined
  return formatText(upstreamNames, (operator) => connectionValue(operator, facts), '').split(',')
}
