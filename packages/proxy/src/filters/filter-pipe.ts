import type { MessageHead } from '../codec/message-head.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { BodySink, RunnableFilter, StreamFilter } from './http-filter.ts'

/** The stream filters of one exchange: requests run through them in the order of the configuration, answers backwards. */
export class FilterPipe {
  readonly #byPlace: readonly (StreamFilter | undefined)[]
  readonly #filters: readonly StreamFilter[]
  readonly #requestSinks: readonly BodySink[]
  readonly #responseSinks: readonly BodySink[]

  constructor(byPlace: readonly (StreamFilter | undefined)[], toUpstream: BodySink, toDownstream: BodySink) {
    this.#byPlace = byPlace
    this.#filters = byPlace.filter((one) => one !== undefined)
    const sinks: BodySink[] = [toUpstream]
    for (const filter of [...this.#filters].reverse()) sinks.unshift(feeding(filter, 'onRequestData', sinks[0]))
    this.#requestSinks = sinks
    const back: BodySink[] = [toDownstream]
    for (const filter of this.#filters) back.unshift(feeding(filter, 'onResponseData', back[0]))
    this.#responseSinks = back
  }

  /** The filter at a place of the chain, if it takes part. */
  at(place: number): StreamFilter | undefined {
    return this.#byPlace[place]
  }

  requestData(bytes: Buffer, start: number, end: number): void {
    this.#requestSinks[0]?.(bytes, start, end)
  }

  requestEnd(trailers: MessageHead | undefined): MessageHead | undefined {
    let left = trailers
    this.#filters.forEach((filter, at) => {
      const next = this.#requestSinks[at + 1]
      if (filter.onRequestEnd !== undefined && next !== undefined) left = filter.onRequestEnd(left, next)
    })
    return left
  }

  responseHead(head: MessageHead, end: boolean): void {
    for (let at = this.#filters.length - 1; at >= 0; at--) this.#filters[at]?.onResponseHead?.(head, end)
  }

  responseData(bytes: Buffer, start: number, end: number): void {
    this.#responseSinks[0]?.(bytes, start, end)
  }

  responseEnd(trailers: MessageHead | undefined): MessageHead | undefined {
    let left = trailers
    ;[...this.#filters].reverse().forEach((filter, at) => {
      const next = this.#responseSinks[at + 1]
      if (filter.onResponseEnd !== undefined && next !== undefined) left = filter.onResponseEnd(left, next)
    })
    return left
  }
}

/** The stream filters that want to take part in an exchange; undefined: none does, as for nearly all. */
export function filterPipe(
  exchange: Exchange,
  filters: readonly RunnableFilter[],
  toUpstream: BodySink,
  toDownstream: BodySink,
): FilterPipe | undefined {
  const byPlace = filters.map(({ filter, kind, override }) => kind.begin?.(exchange, filter, override))
  return byPlace.some((one) => one !== undefined) ? new FilterPipe(byPlace, toUpstream, toDownstream) : undefined
}

function feeding(
  filter: StreamFilter,
  phase: 'onRequestData' | 'onResponseData',
  next: BodySink | undefined,
): BodySink {
  const sink = next as BodySink
  return filter[phase] === undefined ? sink : (bytes, start, end) => filter[phase]?.(bytes, start, end, sink)
}
