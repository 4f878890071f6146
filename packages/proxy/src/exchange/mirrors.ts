import { Buffer } from 'node:buffer'
import { dueMirrors, type Mirror, type RouteAction, shadowHost } from '@weft/engine'
import { FieldsHead } from '../codec/fields-head.ts'
import type { OutgoingRequest } from '../codec/http-stream.ts'
import type { MessageHead } from '../codec/message-head.ts'
import type { ProxyContext } from '../context.ts'
import type { Exchange } from './exchange.ts'
import type { Forwarding } from './forwarding.ts'
import { MirrorCopy } from './mirror-copy.ts'

/** Copies of one proxy that may be on their way at a time. */
const mostCopies = 1_024
/** A copy of a request that may take any time. */
const longestMs = 300_000

const underWay = new WeakMap<ProxyContext, { count: number }>()

/** The copies of one request. */
export class Mirrors {
  readonly #copies: readonly MirrorCopy[]

  constructor(copies: readonly MirrorCopy[]) {
    this.#copies = copies
  }

  /** A piece of the body: one copy of its bytes for all. */
  data(bytes: Buffer, start: number, end: number): void {
    if (this.#copies.every(({ over }) => over)) return
    const piece = Buffer.from(bytes.subarray(start, end))
    for (const copy of this.#copies) copy.data(piece)
  }

  /** The request is whole: from now on copies are on their own. */
  end(trailers: MessageHead | undefined): void {
    for (const copy of this.#copies) copy.end(trailers)
  }

  /** The request never became whole. */
  abandon(): void {
    for (const copy of this.#copies) copy.abandon()
  }
}

/**
 * Starts the copies that are due of a request as it goes upstream; undefined: none. What a
 * protocol switch would carry is not copied.
 */
export function startMirrors(
  exchange: Exchange,
  action: RouteAction,
  { request, timeouts }: Pick<Forwarding, 'request' | 'timeouts'>,
): Mirrors | undefined {
  if (exchange.switches) return undefined
  const { context } = exchange
  const active = underWay.get(context) ?? { count: 0 }
  underWay.set(context, active)
  const copies: MirrorCopy[] = []
  for (const mirror of dueMirrors(action.mirrors, exchange)) {
    const cluster = context.clusters.get(mirror.cluster)
    if (cluster === undefined || !exchange.config.clusters.has(mirror.cluster) || active.count >= mostCopies) continue
    active.count++
    const copy = new MirrorCopy({
      cluster,
      request: copyOf(request.prepare(1, ''), mirror, exchange),
      http2: exchange.protocol === 'HTTP/2',
      deadlines: context.deadlines,
      limitMs: timeouts.requestMs || longestMs,
      onOver: () => active.count--,
    })
    copies.push(copy)
    copy.start()
  }
  return copies.length === 0 ? undefined : withBody(new Mirrors(copies), exchange)
}

/** With as much of the body as is here. */
function withBody(mirrors: Mirrors, { body }: Exchange): Mirrors {
  for (const piece of body.pieces) mirrors.data(piece, 0, piece.length)
  if (body.complete) mirrors.end(body.trailers)
  return mirrors
}

/** The request as it is now: the received head belongs to its codec, and may be another's when the copy is sent. */
function copyOf(request: OutgoingRequest, { marksHost }: Mirror, exchange: Exchange): OutgoingRequest {
  const { head, method, path, authority, scheme, extra, body } = request
  const copied = new FieldsHead(head.protocol)
  for (let at = 0; at < head.count; at++)
    if (!head.isDropped(at)) copied.push(head.nameAt(at), head.valueAt(at), head.kinds[at])
  const { added } = head
  for (let at = 0; at < added.length; at += 2) copied.push(added[at] as string, added[at + 1] as string)
  markInternal(copied, exchange)
  const host = marksHost ? shadowHost(authority) : authority
  return { method, path, authority: host, scheme, extra: [...extra], body, upgrade: undefined, head: copied }
}

/** As Envoy: the copy comes from the proxy itself. */
function markInternal(head: FieldsHead, { context, connection }: Exchange): void {
  const own = context.upstreamBindAddress ?? connection.localAddress
  const before = head.value('x-forwarded-for')
  for (let at = 0; at < head.count; at++)
    if (head.isNamed(at, 'x-forwarded-for') || head.isNamed(at, 'x-envoy-internal')) head.drop(at)
  head.push('x-envoy-internal', 'true')
  head.push('x-forwarded-for', before === undefined ? own : `${before},${own}`)
}
