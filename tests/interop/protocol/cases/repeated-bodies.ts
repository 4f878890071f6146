import type { JsonObject } from '@bufbuild/protobuf'
import { answer, type Family, post, type ProtocolCase, until } from '../protocol-case.ts'

const retryPolicy = {
  retryOn: '5xx',
  numRetries: 1,
  retryBackOff: { baseInterval: '0.001s', maxInterval: '0.002s' },
}
/** Else it would keep its connection, and Weft's proxy keeps those of answers that are thrown away. */
const busy = answer('busy', 'Connection: close\r\n', '503 Busy')
const kB = 1024
const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'
const body = (length: number): string => `${letters.repeat(length / letters.length + 1).slice(0, length - 4)}last`

interface Limits {
  readonly listener?: number
  readonly host?: number
  readonly route?: number
}

const limit = (name: string, bytes: number | undefined): JsonObject => (bytes === undefined ? {} : { [name]: bytes })

/** A body of so many bytes, whose first answer is an error. */
const sent = (name: string, length: number, { listener, host, route }: Limits = {}): ProtocolCase => ({
  name,
  client: [post(body(length))],
  upstream: [
    [until('last'), busy],
    [until('last'), answer('second')],
  ],
  listener: limit('perConnectionBufferLimitBytes', listener),
  routes: {
    name: 'r',
    virtualHosts: [
      {
        name: 'all',
        domains: ['*'],
        routes: [
          {
            match: { prefix: '/' },
            route: { cluster: 'up', retryPolicy },
            ...limit('perRequestBufferLimitBytes', route),
          },
        ],
        ...limit('perRequestBufferLimitBytes', host),
      },
    ],
  },
})

/** How large a body may be that is sent again. */
export const repeatedBodies: Family = {
  name: 'repeated bodies',
  cases: [
    sent('a small body', 5 * kB),
    sent('a body of 200 kB', 200 * kB),
    sent('a body larger than a listener keeps', 1100 * kB),
    sent('a body as large as a listener keeps', 20 * kB, { listener: 32 * kB }),
    sent('a body larger than a listener is told to keep', 40 * kB, { listener: 32 * kB }),
    sent('a body larger than a host keeps', 20 * kB, { host: 10 * kB }),
    sent('a body larger than a route keeps', 20 * kB, { route: 10 * kB }),
    sent('a route keeps more than its host', 20 * kB, { host: 10 * kB, route: 30 * kB }),
    sent('a route keeps more than its listener', 40 * kB, { listener: 32 * kB, route: 100 * kB }),
    sent('a host keeps more than its listener', 40 * kB, { listener: 32 * kB, host: 100 * kB }),
    sent('a host keeps less than its listener', 40 * kB, { listener: 64 * kB, host: 10 * kB }),
    sent('a route keeps nothing', 5, { route: 0 }),
  ],
}
