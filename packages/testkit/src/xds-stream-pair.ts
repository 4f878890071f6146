// Two ends of an xDS stream in memory. Messages are delivered by `defer` (a timer of the
// simulation, or queueMicrotask), one by one and in order, so that delivery is never re-entrant.
import type { PeerIdentity } from '@weft/core'
import type { XdsStream, XdsStreamHandler } from '@weft/xds'

interface End extends XdsStream {
  receive(event: (handler: XdsStreamHandler) => void): void
}

/** Makes a connected pair. `serverSees` is the client's verified identity as the server sees it. */
export function xdsStreamPair(options: {
  readonly kind: 'delta' | 'sotw'
  readonly defer: (run: () => void) => void
  readonly serverSees?: PeerIdentity
}): { readonly client: XdsStream; readonly server: XdsStream } {
  let closed = false
  const make = (peer: PeerIdentity | undefined, far: () => End): End => {
    let handler: XdsStreamHandler | undefined
    let waiting: ((handler: XdsStreamHandler) => void)[] = []
    return {
      kind: options.kind,
      peer,
      remote: 'in-memory',
      start(first) {
        handler = first
        const held = waiting
        waiting = []
        for (const event of held) event(first)
      },
      send(bytes) {
        if (!closed) far().receive((to) => to.onMessage(bytes))
        return true
      },
      close(error) {
        if (closed) return
        closed = true
        for (const end of [client, server]) end.receive((to) => to.onClose(error))
      },
      receive(event) {
        options.defer(() => {
          if (handler === undefined) waiting.push(event)
          else event(handler)
        })
      },
    }
  }
  const client: End = make(undefined, () => server)
  const server: End = make(options.serverSees, () => client)
  return { client, server }
}
