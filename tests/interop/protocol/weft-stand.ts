// A proxy of ours for one case, in this process.
import { startProxy } from '../../wire/proxy-under-test.ts'
import { caseResources } from './case-resources.ts'
import type { Stand } from './play-case.ts'
import type { ProtocolCase } from './protocol-case.ts'

/** Starts it; throws what the resources are refused with. */
export async function startWeftStand(given: ProtocolCase, upstreamPort: number): Promise<Stand> {
  const { listener, cluster } = caseResources(given, upstreamPort)
  const proxy = await startProxy({ listeners: [listener], clusters: [cluster] })
  return {
    port: proxy.portOf('in'),
    takeLog: () => [
      ...proxy.exchanges.splice(0).map(({ status, flags, details, bytesReceived, bytesSent }) => ({
        status,
        flags,
        details,
        bytesReceived,
        bytesSent,
      })),
      ...proxy.connections.splice(0).map(({ flags, bytesReceived, bytesSent }) => ({
        status: 0,
        flags: flags.join(','),
        // A connection has no %RESPONSE_CODE_DETAILS%.
        details: '',
        bytesReceived,
        bytesSent,
      })),
    ],
    close: () => proxy.close(),
  }
}
