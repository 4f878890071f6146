// Which filter chain serves a connection.
import type { FilterChain, Listener } from '../model.ts'
import type { Recorder } from '../prove/proof.ts'
import type { ConnectionFacts } from '../request-head.ts'
import { chainName, chooseChain } from './chain-steps.ts'

/** Chooses the chain as Envoy does; undefined: the connection is closed. */
export function matchFilterChain(
  listener: Listener,
  connection: ConnectionFacts,
  recorder?: Recorder,
): FilterChain | undefined {
  const chosen = chooseChain(listener, connection)
  recorder?.step({
    decision: 'filter-chain',
    chosen: chosen === undefined ? undefined : chainName(chosen),
    summary: summaryOf(listener, chosen),
    origins: chosen?.origins ?? listener.origins,
    losers: recorder.losers.ofChains(listener, connection, chosen),
  })
  return chosen
}

function summaryOf(listener: Listener, chosen: FilterChain | undefined): string {
  if (chosen === undefined) return `no filter chain of listener ${listener.name} fits: the connection is closed`
  const tls = chosen.tls === undefined ? 'plaintext' : chosen.tls.requireClientCertificate ? 'mutual TLS' : 'TLS'
  return `filter chain ${chainName(chosen)} of listener ${listener.name} (${tls})`
}
