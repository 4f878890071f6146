// How a client outside the mesh comes to a gateway: by the port of its URL, with TLS or without.
import { isIP } from 'node:net'
import {
  type Explanation,
  type ExplainInput,
  explain,
  explainTcp,
  type PlainRequest,
  type TcpTarget,
} from '@weft/engine'
import type { NamedView } from './mesh-views.ts'

/** What is to be explained. */
export type Asked =
  | { readonly kind: 'request'; readonly request: PlainRequest; readonly inside?: PlainRequest | 'tls' }
  | { readonly kind: 'tcp'; readonly to: TcpTarget }

/** Clients ask for the name that they dial; for an address they ask for none. */
export function serverNameOf(host: string): string {
  return isIP(host) === 0 ? host.toLowerCase() : ''
}

/**
 * Explains what comes to a gateway. Names of clients outside are resolved outside, so whatever the host is called, its port says which
 * listener is meant. A port where nothing listens may be mapped to another one in front of the gateway.
 */
export function explainArrival(
  asked: Asked,
  known: Omit<ExplainInput, 'request'> & { readonly from: NamedView },
): Explanation {
  const { from } = known
  if (asked.kind === 'tcp') {
    const { host, port } = asked.to
    const listener = listenersOf(from).find((one) => one.port === port)
    return named(explainTcp({ ...known, to: { ...asked.to, host: listener?.host ?? host } }), `${host}:${port}`)
  }
  const { request } = asked
  const { host, port } = hostAndPort(request)
  const secure = request.scheme === 'https'
  const wanted = listenersOf(from).find((one) => one.port === port)
  const isHidden = wanted === undefined && (secure || portOf(request) !== undefined) && hidesListeners(from)
  const entry = isHidden ? { port } : (wanted ?? (secure ? listenersOf(from).find(({ tls }) => tls) : undefined))
  const explanation = explain({
    ...known,
    ...asked,
    ...(entry === undefined ? {} : { entryPort: entry.port }),
    ...(secure ? { overTls: serverNameOf(host) } : {}),
  })
  return explanation.protocol === 'tcp' ? named(explanation, `${host}:${port}`) : explanation
}

/** Whether there are listeners that are not understood here: one may be at any port where no other is. */
export function hidesListeners({ unread = [] }: NamedView): boolean {
  return unread.some(({ type }) => type === 'LDS')
}

/** The port that a URL names itself. */
export function portOf({ authority }: PlainRequest): string | undefined {
  return /:(\d+)$/.exec(authority)?.[1]
}

/** With the name that was asked for in the place of the listener's address. */
function named(explanation: Explanation, authority: string): Explanation {
  return { ...explanation, request: { ...explanation.request, authority } }
}

/** Where a gateway listens, by port. */
export function listenersOf({ config }: NamedView): readonly { host: string; port: number; tls: boolean }[] {
  return [...config.listeners.values()]
    .flatMap(({ address, direction, sniff, filterChains }) =>
      address.kind === 'socket' && direction !== 'inbound'
        ? [
            {
              host: address.host,
              port: address.port,
              tls: sniff.tls || filterChains.some(({ tls }) => tls !== undefined),
            },
          ]
        : [],
    )
    .sort((a, b) => a.port - b.port)
}

function hostAndPort({ authority, scheme }: PlainRequest): { readonly host: string; readonly port: number } {
  const [, host = authority, port] = /^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(authority) ?? []
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? (scheme === 'https' ? 443 : 80)) }
}
