// Serves resource tables to streams: the I/O around the stream reducer of @weft/xds.
import { err, type Logger, type Result, type Runtime, type Timer } from '@weft/core'
import {
  newServerState,
  onDeltaRequest,
  onSotwRequest,
  onTable,
  onWritable,
  type ResourceTable,
  type ServerEffect,
  type ServerState,
  SharedResponses,
  shortTypeName,
  tryRead,
  type XdsStream,
} from '@weft/xds'
import { type Node, readDeltaDiscoveryRequest, readDiscoveryRequest } from '@weft/xds/lean'
import type { Authorize, DistributionWork, Distributor } from './distributor-api.ts'
import { OpenQuota } from './open-quota.ts'
import { proxyStatus, type ProxyStatus } from './proxy-status.ts'
import { type AskedFor, excessOf, maxStreamsOfProxy, maxWaitingOfIdentity } from './stream-limits.ts'

/** What a stream did; for metrics. */
export type DistributorEvent =
  | { readonly kind: 'connected' | 'disconnected'; readonly proxyId: string }
  | {
      readonly kind: 'pushed'
      readonly proxyId: string
      readonly typeUrl: string
      readonly resources: number
      readonly bytes: number
    }
  | { readonly kind: 'accepted' | 'refused'; readonly proxyId: string; readonly typeUrl: string }

/** How long a client may take until its first request. */
const firstRequestTimeoutMs = 15_000

/** One stream of a known proxy. */
export interface ProxyStream {
  readonly stream: XdsStream
  readonly state: ServerState
  readonly node: Node
}

interface Proxy {
  table: ResourceTable | undefined
  readonly streams: Set<ProxyStream>
  /** The newest stream, kept after it closed so that its last state can be told. */
  last: ProxyStream | undefined
}

interface Context {
  readonly log: Logger
  readonly timers: Runtime['timers']
  readonly observe: (event: DistributorEvent) => void
  readonly proxies: Map<string, Proxy>
  readonly listeners: Set<(proxyId: string) => void>
  readonly open: Set<XdsStream>
  /** Streams by their proxy, and those without a request yet by what their certificates say. */
  readonly ofProxies: OpenQuota
  readonly waiting: OpenQuota
  readonly responses: SharedResponses
  readonly work: { -readonly [K in keyof DistributionWork]: DistributionWork[K] }
}

/** Makes a distributor without any table. */
export function createDistributor(
  runtime: Pick<Runtime, 'log' | 'timers'>,
  observe: (event: DistributorEvent) => void = () => {},
): Distributor {
  const context: Context = {
    log: runtime.log,
    timers: runtime.timers,
    observe,
    proxies: new Map(),
    listeners: new Set(),
    open: new Set(),
    ofProxies: new OpenQuota(maxStreamsOfProxy),
    waiting: new OpenQuota(maxWaitingOfIdentity),
    responses: new SharedResponses(),
    work: { streams: 0, compared: 0, pushes: 0, pushedBytes: 0 },
  }
  const { proxies } = context
  return {
    setTable(proxyId, table) {
      const proxy = proxyOf(context, proxyId)
      proxy.table = table
      for (const served of proxy.streams) {
        context.work.streams++
        perform(context, proxyId, served, onTable(served.state, table))
      }
      notify(context, proxyId)
    },
    removeTable(proxyId) {
      const proxy = proxies.get(proxyId)
      proxies.delete(proxyId)
      for (const served of proxy?.streams ?? []) served.stream.close('this proxy is gone from the registry')
      notify(context, proxyId)
    },
    accept: (stream, authorize) => accept(context, stream, authorize),
    status(): readonly ProxyStatus[] {
      const ids = [...proxies.keys()].sort()
      return ids.map((id) => {
        const { table, last, streams } = proxyOf(context, id)
        const known = streams.size > 0 ? [...streams] : last === undefined ? [] : [last]
        return proxyStatus({ proxyId: id, table, streams: known, connected: streams.size > 0 })
      })
    },
    onStatus(listener) {
      context.listeners.add(listener)
      return () => context.listeners.delete(listener)
    },
    work: () => ({ ...context.work }),
    close() {
      for (const stream of context.open) stream.close('the control plane is shutting down')
    },
  }
}

function proxyOf(context: Context, proxyId: string): Proxy {
  const known = context.proxies.get(proxyId)
  if (known !== undefined) return known
  const fresh: Proxy = { table: undefined, streams: new Set(), last: undefined }
  context.proxies.set(proxyId, fresh)
  return fresh
}

function notify(context: Context, proxyId: string): void {
  for (const listener of context.listeners) listener(proxyId)
}

function accept(context: Context, stream: XdsStream, authorize: Authorize): void {
  let proxyId: string | undefined
  let served: ProxyStream | undefined
  const awaited = awaitRequest(context, stream)
  if (awaited === undefined) return
  context.open.add(stream)
  stream.start({
    onMessage(bytes) {
      const request = readRequest(stream, bytes)
      if (!request.ok) {
        stream.close(`malformed request: ${request.error}`)
        return
      }
      if (served === undefined || proxyId === undefined) {
        awaited.end()
        const admitted = admit(context, stream, request.value.node, authorize)
        if (admitted === undefined) return
        ;({ proxyId, served } = admitted)
      }
      const excess = excessOf(served.state, request.value)
      if (excess !== undefined) {
        stream.close(excess, 'exhausted')
        return
      }
      perform(context, proxyId, served, request.value.apply(served.state))
      notify(context, proxyId)
    },
    onDrain() {
      if (served !== undefined && proxyId !== undefined) {
        perform(context, proxyId, served, onWritable(served.state, true))
      }
    },
    onClose(error) {
      awaited.end()
      context.open.delete(stream)
      if (served === undefined || proxyId === undefined) return
      context.ofProxies.release(proxyId)
      context.log.info('xDS stream closed', { proxy: proxyId, reason: error })
      context.proxies.get(proxyId)?.streams.delete(served)
      context.observe({ kind: 'disconnected', proxyId })
      notify(context, proxyId)
    },
  })
}

/** The wait for a stream's first request; undefined when its identity has as many such streams as it may, and the stream is closed. */
function awaitRequest(context: Context, stream: XdsStream): { end(): void } | undefined {
  const identity = stream.peer?.spiffeId ?? ''
  const quota = context.waiting.take(identity)
  if (quota !== 'open') {
    const reason = `${maxWaitingOfIdentity} streams of ${identity} have not sent a request yet; no more are taken`
    if (quota === 'full') context.log.warn('xDS streams refused', { remote: stream.remote, reason })
    stream.close(reason, 'exhausted')
    return undefined
  }
  let waiting = true
  const end = (): void => {
    if (!waiting) return
    waiting = false
    timeout.cancel()
    context.waiting.release(identity)
  }
  const timeout: Timer = context.timers.set(firstRequestTimeoutMs, () => stream.close('no request arrived'), {
    keepAlive: false,
  })
  return { end }
}

interface ReadRequest extends AskedFor {
  readonly node: Node | undefined
  readonly apply: (state: ServerState) => ServerEffect[]
}

function readRequest(stream: XdsStream, bytes: Uint8Array): Result<ReadRequest> {
  if (stream.kind === 'delta') {
    const read = tryRead(readDeltaDiscoveryRequest, bytes)
    if (!read.ok) return read
    const { node, typeUrl, resourceNamesSubscribe, initialResourceVersions } = read.value
    const names = [...resourceNamesSubscribe, ...initialResourceVersions.keys()]
    return { ok: true, value: { node, typeUrl, names, apply: (state) => onDeltaRequest(state, read.value) } }
  }
  const read = tryRead(readDiscoveryRequest, bytes)
  if (!read.ok) return read
  const { node, typeUrl, resourceNames: names } = read.value
  return { ok: true, value: { node, typeUrl, names, apply: (state) => onSotwRequest(state, read.value) } }
}

/** Finds the proxy of a stream and counts the stream; undefined when it is refused, and closed. */
function admit(
  context: Context,
  stream: XdsStream,
  node: Node | undefined,
  authorize: Authorize,
): { proxyId: string; served: ProxyStream } | undefined {
  const authorized: Result<string> =
    node === undefined ? err('the first request carries no node') : authorize(node, stream.peer)
  if (node === undefined || !authorized.ok) {
    const reason = authorized.ok ? '' : authorized.error
    context.log.warn('xDS stream refused', { remote: stream.remote, reason })
    stream.close(reason)
    return undefined
  }
  const proxyId = authorized.value
  const quota = context.ofProxies.take(proxyId)
  if (quota !== 'open') {
    const reason = `${proxyId} has ${maxStreamsOfProxy} streams open; no more are taken until it closes some`
    if (quota === 'full') context.log.warn('xDS streams refused', { proxy: proxyId, remote: stream.remote, reason })
    stream.close(reason, 'exhausted')
    return undefined
  }
  const proxy = proxyOf(context, proxyId)
  const served: ProxyStream = { stream, state: newServerState(stream.kind), node }
  if (proxy.table !== undefined) onTable(served.state, proxy.table)
  proxy.streams.add(served)
  proxy.last = served
  context.log.info('xDS stream opened', { proxy: proxyId, kind: stream.kind, remote: stream.remote })
  context.observe({ kind: 'connected', proxyId })
  return { proxyId, served }
}

function perform(context: Context, proxyId: string, served: ProxyStream, effects: readonly ServerEffect[]): void {
  const { stream, state } = served
  context.work.compared += state.compared
  state.compared = 0
  for (const effect of effects) {
    const { typeUrl } = effect
    switch (effect.kind) {
      case 'send': {
        const bytes = context.responses.encode(stream.kind, effect)
        const resources = effect.resources.length
        context.log.debug('xDS push', {
          proxy: proxyId,
          type: shortTypeName(typeUrl),
          version: effect.tableVersion,
          resources,
          removed: effect.removed.length,
          bytes: bytes.length,
        })
        context.work.pushes++
        context.work.pushedBytes += bytes.length
        context.observe({ kind: 'pushed', proxyId, typeUrl, resources, bytes: bytes.length })
        if (!stream.send(bytes)) onWritable(state, false)
        break
      }
      case 'accepted':
        context.observe({ kind: 'accepted', proxyId, typeUrl })
        break
      case 'refused': {
        const { resource, reason } = effect.refusal
        context.log.warn('xDS resource refused', {
          proxy: proxyId,
          type: shortTypeName(typeUrl),
          resource: resource.name,
          version: resource.version,
          origin: resource.origin?.join(' '),
          reason,
        })
        context.observe({ kind: 'refused', proxyId, typeUrl })
        break
      }
      case 'refused-unnamed':
        context.log.warn('xDS response refused', {
          proxy: proxyId,
          type: shortTypeName(typeUrl),
          reason: effect.reason,
        })
        context.observe({ kind: 'refused', proxyId, typeUrl })
        break
    }
  }
}
