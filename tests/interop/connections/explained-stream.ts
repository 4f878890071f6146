// What the engine says of a connection: `explain` asked for the verdict and its proof, once for each share of a split.
import {
  explainTcp,
  type Explanation,
  type ExplainStep,
  type FilterChain,
  type Listener,
  type ProxyView,
  type TcpProxy,
} from '@weft/engine'
import { begunTls } from './begun-tls.ts'
import type { Layer } from './stream-application.ts'
import type { StreamTables } from './stream-tables.ts'
import { type StreamOutcome, type StreamSide, streamSides, type TestConnection } from './test-connection.ts'

/** One way that a connection may go; chance decides between several. */
export interface StreamWay {
  readonly outcome: StreamOutcome
  readonly cluster: string | undefined
  /** Where the application may be; one, where the client's address decides. */
  readonly endpoints: readonly string[]
  /** TLS that a proxy begins, as the application sees it. */
  readonly begun: Layer | undefined
  /** A proxy does not accept the certificate of the application. */
  readonly refusedBegun: boolean
  /** The client's own TLS reaches the application. */
  readonly passed: boolean
  /** Some policy denies it. */
  readonly denied: boolean
  /** On the way plain bytes are looked at before their chain is found: Envoy lets clients wait who say nothing (decision 0010). */
  readonly sniffed: boolean
  readonly reason: string
}

/** Everything that is known of a connection before it is made. */
export interface ExplainedStream {
  /** Name of the first proxy's filter chain. */
  readonly chain: string | undefined
  /** Whether the first proxy's log has to tell of it; `maybe`: what comes before its filters fails. */
  readonly logged: 'yes' | 'no' | 'maybe'
  readonly ways: readonly StreamWay[]
  /** Of the first way. */
  readonly steps: readonly ExplainStep[]
}

/** A chain on the way, and the proxy that chose it. */
interface Passage {
  readonly view: ProxyView
  readonly listener: Listener
  readonly chain: FilterChain | undefined
}

/** Explains connections to the proxies of a mesh. `random`: the draw of the first way; else all are told. */
export function explainStream(
  mesh: StreamTables,
  side: StreamSide,
  connection: TestConnection,
  random?: number,
): ExplainedStream {
  const ask = (draw: number): Explanation => askEngine(mesh, side, connection, draw)
  const first = ask(random ?? 0)
  const [passage] = passagesOf(first, mesh)
  const proxy = passage?.chain?.terminal.kind === 'tcp' ? passage.chain.terminal : undefined
  const draws = random === undefined ? drawsOf(proxy) : [random]
  const own = first.steps.filter((step) => step.proxy === side)
  const chain = own.find(({ decision }) => decision === 'filter-chain')?.chosen
  return {
    chain,
    logged: chain === undefined ? 'no' : own.at(-1)?.decision === 'filter-chain' ? 'maybe' : 'yes',
    ways: draws.map((draw, index) => wayOf(index === 0 ? first : ask(draw), mesh, connection)),
    steps: first.steps,
  }
}

function askEngine(
  { views, addresses }: StreamTables,
  side: StreamSide,
  { host, port, source, tls }: TestConnection,
  random: number,
): Explanation {
  const shown = tls === undefined ? {} : { serverName: tls.serverName.toLowerCase() }
  const identity = tls?.identity === undefined ? {} : { clientNames: [tls.identity] }
  return explainTcp({
    // Here every proxy dials from the machine's own address.
    from: { ...views[side], address: '127.0.0.1' },
    to: { host, port, source, ...shown, ...identity },
    proxyAt(address) {
      const found = streamSides.find((one) => one !== 'redirected' && addresses[one] === address)
      return found === undefined ? undefined : views[found]
    },
    random,
    faultDraw: 0.5,
  })
}

function passagesOf({ steps }: Explanation, { views }: StreamTables): readonly Passage[] {
  const passages: Passage[] = []
  for (const { decision, chosen, proxy, origins } of steps) {
    const view = views[proxy as StreamSide]
    const listener = decision === 'listener' ? view.config.listeners.get(chosen ?? '') : undefined
    if (listener !== undefined) passages.push({ view, listener, chain: undefined })
    const last = passages.at(-1)
    if (decision !== 'filter-chain' || last === undefined) continue
    const chains = [...last.listener.filterChains, last.listener.defaultFilterChain]
    // Names of chains may repeat: they have that of the first server name they are for.
    const chain = chains.find((one) => one?.name === chosen && JSON.stringify(one?.origins) === JSON.stringify(origins))
    passages[passages.length - 1] = { ...last, chain }
  }
  return passages
}

/** One draw for each share. */
function drawsOf(proxy: TcpProxy | undefined): readonly number[] {
  let begin = 0
  return (proxy?.clusters ?? [{ weight: 1 }]).map(({ weight }) => {
    begin += weight
    return begin - weight
  })
}

function wayOf(explanation: Explanation, mesh: StreamTables, { tls }: TestConnection): StreamWay {
  const { cluster, endpoint, steps, reason } = explanation
  const passages = passagesOf(explanation, mesh)
  // Another proxy speaks with the application as it is.
  const [first] = passages
  const isLast = first !== undefined && steps.every(({ proxy }) => proxy === first.view.id)
  const begun = isLast ? begunTls(first.view, cluster ?? '', endpoint ?? '') : undefined
  const forwarded = explanation.outcome === 'forwarded' && begun !== 'not accepted'
  const outcome = steps.length === 0 ? 'refused' : forwarded ? 'answered' : 'closed'
  const possible = possibleEndpoints(first, cluster, endpoint)
  return {
    outcome,
    cluster,
    endpoints: possible.map((key) => applicationAt(key, mesh.applicationOf)),
    begun: begun === 'not accepted' ? undefined : begun,
    refusedBegun: begun === 'not accepted',
    passed: tls !== undefined && outcome === 'answered' && !endsClients(explanation, passages),
    denied: steps.some(({ decision, summary }) => decision === 'authorization' && summary.startsWith('denied')),
    sniffed: passages.some(({ listener, chain }) => listener.sniff.tls && chain?.tls === undefined),
    reason,
  }
}

/** Whether a proxy ends the TLS that the client began: the first, or the next one if the first sends on what it gets. */
function endsClients({ steps }: Explanation, [first, second]: readonly Passage[]): boolean {
  if (first?.chain?.tls !== undefined) return true
  const sent = steps.find(({ decision }) => decision === 'endpoint')?.summary ?? ''
  return second?.chain?.tls !== undefined && sent.includes('plaintext')
}

function possibleEndpoints(first: Passage | undefined, name = '', endpoint = ''): readonly string[] {
  const cluster = first?.view.config.clusters.get(name)
  const terminal = first?.chain?.terminal
  const hashed = terminal?.kind === 'tcp' && terminal.hashesClient
  if (cluster === undefined || (hashed && /ring-hash|maglev/.test(cluster.balancer.policy))) return [endpoint]
  const { discovery } = cluster
  if (discovery.kind !== 'eds') return [endpoint]
  const localities = first?.view.endpoints.get(discovery.edsName)?.localities ?? []
  return localities.flatMap(({ endpoints }) => endpoints.map(({ key }) => key))
}

/** Of an endpoint inside the proxy, the address that its tunnel leads to. */
function applicationAt(key: string, applicationOf: StreamTables['applicationOf']): string {
  const [, address = '', port = ''] = /(\d+\.\d+\.\d+\.\d+):(\d+)/.exec(key) ?? []
  return address === '' ? key : `${applicationOf(address)}:${port}`
}
