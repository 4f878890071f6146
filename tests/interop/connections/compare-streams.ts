// Differences between what the engine says of a connection and what a proxy did with it.
import type { ExplainedStream, StreamWay } from './explained-stream.ts'
import type { StreamAnswer } from './stream-client.ts'
import type { StreamLine } from './stream-lines.ts'
import type { Layer } from './stream-application.ts'
import type { ClientTls, TestConnection } from './test-connection.ts'

/** One field that differs. */
export interface StreamDifference {
  readonly field: string
  readonly explained: unknown
  readonly seen: unknown
}

/** All differences; empty: they agree. */
export function streamDifferences(
  { chain, logged, ways }: ExplainedStream,
  { tls }: TestConnection,
  { outcome, arrived, client }: StreamAnswer,
  line: StreamLine | undefined,
): readonly StreamDifference[] {
  const found: StreamDifference[] = []
  const check = (field: string, explained: unknown, seen: unknown): void => {
    if (JSON.stringify(explained) !== JSON.stringify(seen)) found.push({ field, explained, seen })
  }
  // Reset so soon that nobody knows its port.
  const isKnown = outcome !== 'closed' || client !== ''
  if (logged !== 'maybe' && isKnown) check('log', logged, line === undefined ? 'no' : 'yes')
  if (line !== undefined) check('chain', chain, line.chain)
  const way = ways.find((one) => leadsThere(one, line)) ?? ways[0]
  if (way === undefined) return found
  check('outcome', way.outcome, outcome)
  if (way.outcome !== 'answered' || arrived === undefined) return found
  check('cluster', way.cluster, line?.cluster)
  if (!way.endpoints.includes(arrived.at)) check('endpoint', way.endpoints, arrived.at)
  const passed = way.passed && tls !== undefined ? [layerOf(tls)] : []
  check(
    'TLS that ends at the application',
    [...(way.begun === undefined ? [] : [way.begun]), ...passed],
    arrived.layers,
  )
  return found
}

/** Of a split, the share that the log tells of. */
function leadsThere({ cluster }: StreamWay, line: StreamLine | undefined): boolean {
  return line !== undefined && cluster === line.cluster
}

function layerOf({ serverName, identity }: ClientTls): Layer {
  return { serverName, client: identity === undefined ? '' : `URI:${identity}` }
}
