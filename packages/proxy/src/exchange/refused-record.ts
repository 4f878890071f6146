import type { ExchangeRecord } from '../telemetry/exchange-record.ts'
import type { ExchangeHome } from './exchange-home.ts'
import type { LocalReply } from './local-reply.ts'

/** What telemetry is told of a head that never became an exchange. */
export function refusedRecord(
  { context, accepted }: ExchangeHome,
  protocol: string,
  reply: LocalReply,
): ExchangeRecord {
  return {
    startWallMs: context.runtime.clock.wallMs(),
    durationMs: 0,
    upstreamServiceMs: undefined,
    downstream: accepted.facts,
    downstreamPeer: accepted.peer,
    upstream: undefined,
    route: undefined,
    virtualHost: undefined,
    protocol,
    method: '',
    path: '',
    authority: '',
    requestId: undefined,
    status: reply.status,
    grpcStatus: undefined,
    flags: reply.flag === undefined ? [] : [reply.flag],
    details: reply.details,
    bytesReceived: 0,
    bytesSent: reply.body?.length ?? 0,
    requestHeader: () => undefined,
    responseHeader: () => undefined,
    responseTrailer: () => undefined,
  }
}
