// One real Envoy with a listener and a cluster for each case.
import { any } from '../../wire/proxy-under-test.ts'
import { caseResources } from './case-resources.ts'
import type { LogEntry, Stand, Upstream } from './play-case.ts'
import type { ProtocolCase } from './protocol-case.ts'
import { startStaticEnvoy } from './static-envoy.ts'

/** The Envoy; a stand for each case, in their order. */
export interface EnvoyStands {
  readonly stands: readonly Stand[]
  close(): void
}

const accessLog = [
  {
    name: 'envoy.access_loggers.stdout',
    typedConfig: any('envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', {
      logFormat: {
        jsonFormat: {
          port: '%DOWNSTREAM_LOCAL_PORT%',
          status: '%RESPONSE_CODE%',
          flags: '%RESPONSE_FLAGS%',
          details: '%RESPONSE_CODE_DETAILS%',
          bytesReceived: '%BYTES_RECEIVED%',
          bytesSent: '%BYTES_SENT%',
        },
      },
    }),
  },
]

/** Starts it. */
export async function startEnvoyStands(
  cases: readonly ProtocolCase[],
  upstreams: readonly Upstream[],
): Promise<EnvoyStands> {
  const resources = cases.map((each, at) => caseResources(each, upstreams[at]?.port ?? 1, { id: `-${at}`, accessLog }))
  const logs = new Map<number, LogEntry[]>()
  const envoy = await startStaticEnvoy(
    { listeners: resources.map(({ listener }) => listener), clusters: resources.map(({ cluster }) => cluster) },
    (line) => keep(line, logs),
  )
  const stands = cases.map((_, at) => {
    const port = envoy.portOf(`in-${at}`)
    return { port, takeLog: () => logs.get(port)?.splice(0) ?? [], close: () => Promise.resolve() }
  })
  return { stands, close: () => envoy.close() }
}

function keep(line: string, logs: Map<number, LogEntry[]>): void {
  if (!line.startsWith('{')) return
  const { port, ...entry } = JSON.parse(line) as { readonly port: number } & LogEntry
  const lines = logs.get(port) ?? []
  logs.set(port, lines)
  const { status, flags, details, bytesReceived, bytesSent } = entry
  lines.push({
    status,
    flags: flags === '-' || flags === null ? '' : flags,
    details: details ?? '',
    bytesReceived,
    bytesSent,
  })
}
