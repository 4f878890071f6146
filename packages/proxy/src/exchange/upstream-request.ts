import type { Buffer } from 'node:buffer'
import { type EffectiveTimeouts, rewriteRequest } from '@weft/engine'
import type { H1ClientConnection } from '../codec/h1/client-connection.ts'
import { dropHeader } from '../codec/head-edits.ts'
import type { Exchange } from './exchange.ts'

/** The request as it is written upstream, once per attempt. */
export class UpstreamRequest {
  readonly #exchange: Exchange
  readonly #timeouts: EffectiveTimeouts
  #lines: string | undefined = undefined

  constructor(exchange: Exchange, timeouts: EffectiveTimeouts) {
    this.#exchange = exchange
    this.#timeouts = timeouts
  }

  /** Text of the head for an attempt at an endpoint. */
  head(attempt: number, endpointHostname: string): string {
    const exchange = this.#exchange
    const { plan, head } = exchange
    let path = head.target
    let authority = head.authorityText
    let lines = (this.#lines ??= this.#originalLines() + head.head.lines() + this.#ownLines())
    if (plan?.rewrites === true) {
      const rewritten = rewriteRequest(plan.routed.route, plan.routed.leg, head, endpointHostname)
      path = rewritten.path
      authority = rewritten.authority
    }
    if (plan?.routed.host.includeRequestAttemptCount === true) lines += `x-envoy-attempt-count: ${attempt}\r\n`
    return `${head.methodText} ${path} HTTP/1.1\r\nhost: ${authority}\r\n${lines}\r\n`
  }

  /** Writes a piece of the body. False: wait. */
  sendBody(codec: H1ClientConnection, bytes: Buffer, start: number, end: number): boolean {
    if (!this.#exchange.body.chunked) return codec.sendBytes(bytes, start, end)
    codec.send(`${(end - start).toString(16)}\r\n`)
    const more = codec.sendBytes(bytes, start, end)
    codec.send('\r\n')
    return more
  }

  /** Ends the body. */
  end(codec: H1ClientConnection): void {
    if (this.#exchange.body.chunked) codec.send('0\r\n\r\n')
    codec.requestDone()
  }

  /** What a rewrite replaces, as Envoy tells it: also when the value stays the same, and never what the client claims. */
  #originalLines(): string {
    const { plan, head, suppressEnvoyHeaders } = this.#exchange
    if (plan?.rewrites !== true || suppressEnvoyHeaders) return ''
    const { route, leg } = plan.routed
    if (route.action.kind !== 'route') return ''
    let lines = ''
    if (route.action.pathRewrite !== undefined) {
      dropHeader(head.head, 'x-envoy-original-path')
      lines += `x-envoy-original-path: ${head.target}\r\n`
    }
    if ((leg?.hostRewrite ?? route.action.hostRewrite) !== undefined) {
      dropHeader(head.head, 'x-envoy-original-host')
      lines += `x-envoy-original-host: ${head.authorityText}\r\n`
    }
    return lines
  }

  #ownLines(): string {
    const exchange = this.#exchange
    let lines = ''
    const expectedMs = this.#timeouts.perTryMs || this.#timeouts.requestMs
    if (expectedMs > 0 && !exchange.suppressEnvoyHeaders) lines += `x-envoy-expected-rq-timeout-ms: ${expectedMs}\r\n`
    if (exchange.body.chunked) lines += 'transfer-encoding: chunked\r\n'
    return lines
  }
}
