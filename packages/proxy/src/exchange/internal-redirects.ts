// Answers that send a request elsewhere, and that the proxy follows itself: the exchange is over, and another goes on with the request.
import {
  followRedirect,
  type InternalRedirects,
  notRedirected,
  type RedirectsSoFar,
  type RedirectVerdict,
  rewrittenHead,
} from '@weft/engine'
import { FieldsHead } from '../codec/fields-head.ts'
import type { BodyExtent } from '../codec/http-stream.ts'
import type { MessageHead } from '../codec/message-head.ts'
import type { ProxyContext } from '../context.ts'
import type { Exchange } from './exchange.ts'

/** The request as it goes on. */
export interface Redirected {
  /** What sent it elsewhere. */
  readonly answer: MessageHead
  readonly head: MessageHead
  readonly body: BodyExtent
  readonly redirects: RedirectsSoFar
}

/** The request that goes on when an answer is followed; undefined: the answer is the client's. Counts both, by Envoy's names. */
export function internalRedirect(
  exchange: Exchange,
  policy: InternalRedirects,
  answer: MessageHead,
): Redirected | undefined {
  const { body, context, manager } = exchange
  const location = answer.line('location', 0)
  // What has not come as a whole, or is not kept as a whole, cannot be sent again.
  const whole = body.complete && body.replayable && !exchange.switches
  const known = exchange.plan?.routed
  const verdict =
    !whole || location === undefined || known === undefined
      ? undefined
      : followRedirect(
          {
            policy,
            from: known.route,
            config: known.config,
            paths: manager.path,
            soFar: exchange.before?.redirects ?? notRedirected,
            subject: {
              head: rewrittenHead(exchange.head, exchange),
              connection: exchange.connection,
              random: exchange.random,
              trustedAddress: exchange.trustedAddress,
            },
          },
          answer,
          location,
        )
  count(context, verdict, { cluster: exchange.clusterName ?? '', manager: manager.statPrefix })
  return verdict?.kind === 'follow' ? redirected(exchange, answer, verdict) : undefined
}

type Follow = Extract<RedirectVerdict, { kind: 'follow' }>

function redirected({ body, head: view, method }: Exchange, answer: MessageHead, verdict: Follow): Redirected {
  const { target, copied, after } = verdict
  const bare = verdict.method !== method
  const left = new Set(['x-envoy-original-url', 'x-envoy-expected-rq-timeout-ms', ...copied.map(([name]) => name)])
  if (bare) left.add('content-length')
  const made = new FieldsHead(view.head.protocol)
  made.methodText = verdict.method
  made.scheme = target.scheme
  made.path = target.path
  made.unindexed = view.head.unindexed
  made.push('host', target.authority)
  for (const [name, value] of linesOf(view.head)) if (!left.has(name)) made.push(name, value)
  for (const [name, values] of copied) for (const value of values) made.push(name, value)
  made.push('x-envoy-original-url', verdict.originalUrl)
  return { answer, head: made, body: bare ? 'none' : body.extent, redirects: after }
}

function* linesOf(head: MessageHead): Generator<readonly [name: string, value: string]> {
  for (let at = 0; at < head.count; at++) if (!head.isDropped(at)) yield [head.nameAt(at), head.valueAt(at)]
  const { added } = head
  for (let at = 0; at < added.length; at += 2) yield [added[at] as string, added[at + 1] as string]
}

function count(
  { metrics }: ProxyContext,
  verdict: RedirectVerdict | undefined,
  { cluster, manager }: { readonly cluster: string; readonly manager: string },
): void {
  const followed = verdict?.kind === 'follow'
  const total = metrics.counter({
    name: `envoy_cluster_upstream_internal_redirect_${followed ? 'succeeded' : 'failed'}_total`,
    help: followed ? 'Redirects that were followed by the proxy.' : 'Redirects that were passed on to the client.',
    labels: ['envoy_cluster_name'],
  })
  total.add(total.series([cluster]), 1)
  if (verdict?.kind !== 'pass') return
  const passed = metrics.counter({
    name: `envoy_http_passthrough_internal_redirect_${verdict.reason}`,
    help: `Redirects that were passed on to the client: ${verdict.reason.replaceAll('_', ' ')}.`,
    labels: ['envoy_http_conn_manager_prefix'],
  })
  passed.add(passed.series([manager]), 1)
}
