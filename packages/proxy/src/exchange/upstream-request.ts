import {
  type EffectiveTimeouts,
  grpcTimeoutText,
  replacesHost,
  rewriteRequest,
  rewrittenHead,
  type Subject,
} from '@weft/engine'
import { dropHeader, setHeader } from '../codec/head-edits.ts'
import type { BodyExtent, OutgoingRequest } from '../codec/http-stream.ts'
import type { MessageHead } from '../codec/message-head.ts'
import type { Exchange } from './exchange.ts'

const nothing: readonly string[] = []
const expectedName = 'x-envoy-expected-rq-timeout-ms'

/** The request as it goes upstream; codecs read it once per attempt. */
export class UpstreamRequest implements OutgoingRequest {
  readonly method: string
  readonly scheme: string
  readonly upgrade: string | undefined
  readonly head: MessageHead
  readonly body: BodyExtent
  path: string
  asReceived: boolean
  authority: string
  extra: readonly string[] = nothing
  readonly #exchange: Exchange
  readonly #timeouts: EffectiveTimeouts

  constructor(exchange: Exchange, timeouts: EffectiveTimeouts) {
    const { head: view } = exchange
    this.#exchange = exchange
    this.method = view.methodText
    this.scheme = view.scheme()
    this.upgrade = view.upgrade
    this.head = view.head
    // What a switch carries has no end of its own; codecs do not frame it.
    this.body = exchange.switches ? 'unknown' : exchange.body.extent
    this.path = view.target
    this.asReceived = view.asReceived
    this.authority = view.authorityText
    this.#addOriginals()
    if (timeouts.grpcTimeoutMs > 0) setHeader(this.head, 'grpc-timeout', grpcTimeoutText(timeouts.grpcTimeoutMs))
    const expectedMs = this.#tryMs(timeouts) || timeouts.requestMs
    if (expectedMs > 0 && !exchange.suppressEnvoyHeaders) this.head.added.push(expectedName, String(expectedMs))
    this.#timeouts = timeouts
  }

  /** Makes it ready for an attempt at an endpoint. */
  prepare(attempt: number, endpointHostname: string): this {
    if (attempt > 1) this.#tellWhatIsLeft()
    const { plan, head } = this.#exchange
    if (plan?.rewrites === true) {
      const rewritten = rewriteRequest(plan.routed.route, plan.routed.leg, head, endpointHostname)
      this.path = rewritten.path
      this.asReceived = false
      this.authority = rewritten.authority
      this.#exchange.rewritten = rewritten
    }
    if (plan?.routed.host.includeRequestAttemptCount === true) this.extra = ['x-envoy-attempt-count', String(attempt)]
    return this
  }

  /** What a balancer looks at: the request as it is sent on, before there is an endpoint. */
  get balanced(): Subject {
    const { plan, head, connection, random, trustedAddress } = this.#exchange
    if (plan?.rewrites !== true) return this.#exchange
    const rewritten = rewriteRequest(plan.routed.route, plan.routed.leg, head, '')
    return { connection, random, trustedAddress, head: rewrittenHead(head, rewritten) }
  }

  /** The authority that an endpoint is told. */
  authorityAt(endpointHostname: string): string {
    const { plan, head } = this.#exchange
    if (plan?.rewrites !== true) return this.authority
    return rewriteRequest(plan.routed.route, plan.routed.leg, head, endpointHostname).authority
  }

  /** A repetition has what is left of the whole time, and never none: 0 would be no limit. */
  #tellWhatIsLeft(): void {
    const { requestMs } = this.#timeouts
    const perTryMs = this.#tryMs(this.#timeouts)
    if (requestMs <= 0 || this.#exchange.suppressEnvoyHeaders) return
    const leftMs = Math.max(1, Math.floor(requestMs - this.#exchange.durationMs))
    setHeader(this.head, expectedName, String(Math.min(perTryMs || leftMs, leftMs)))
  }

  /** A try that is hedged may take as long as the whole. */
  #tryMs({ hedges, perTryMs }: EffectiveTimeouts): number {
    return hedges ? 0 : perTryMs
  }

  /** What a rewrite replaces, as Envoy tells it: also when the value stays the same, and never what the client claims. */
  #addOriginals(): void {
    const { plan, head, suppressEnvoyHeaders } = this.#exchange
    if (plan?.rewrites !== true || suppressEnvoyHeaders) return
    const { route, leg } = plan.routed
    if (route.action.kind !== 'route') return
    if (route.action.pathRewrite !== undefined) {
      dropHeader(head.head, 'x-envoy-original-path')
      head.head.added.push('x-envoy-original-path', head.target)
    }
    const hostRewrite = leg?.hostRewrite ?? route.action.hostRewrite
    if (hostRewrite !== undefined && replacesHost(hostRewrite, head)) {
      dropHeader(head.head, 'x-envoy-original-host')
      // An empty one is not told, as in Envoy.
      if (head.authorityText !== '') head.head.added.push('x-envoy-original-host', head.authorityText)
    }
  }
}
