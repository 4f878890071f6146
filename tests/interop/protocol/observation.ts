// What is seen of a case, in a form in which two proxies can be compared: names of what was seen, with texts.
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { SeenStream } from './h2-end.ts'
import type { ProtocolCase } from './protocol-case.ts'
import { type Message, readHttp1, type Reading, sorted } from './read-http1.ts'
import type { Talk } from './talk.ts'

/** Texts by what they are: `answer 1`, `client's connection`, ... */
export type Observation = Readonly<Record<string, string>>

/** Values that are new in every run, or name a run's ports. */
const fleeting = [
  /^(date: ).*/,
  /^(x-request-id: ).*/,
  /^(x-envoy-upstream-service-time: ).*/,
  /^(x-envoy-internal-?[a-z-]*: ).*/,
]

/** Envoy tells a retry how much of the limit is left: how much is gone is chance. Short limits are compared as they are. */
const leftForTry = /^(x-envoy-expected-rq-timeout-ms: )(\d+)$/

const steady = (line: string): string =>
  fleeting
    .reduce((text, form) => text.replace(form, '$1*'), line)
    .replace(
      leftForTry,
      (_, name: string, left: string) =>
        name + (Number(left) > 10_000 ? Math.ceil(Number(left) / 1_000) * 1_000 : left),
    )

/** All of it. */
export function observe(given: ProtocolCase, client: Talk, upstream: readonly Talk[]): Observation {
  const found: Record<string, string> = {}
  if (client.h2 !== undefined) readStreams('answer', client, found)
  else if (given.downstreamWire === 'tcp') found['bytes to the client'] = client.text
  else readMessages('answer', readHttp1(client.text, { side: 'answers', methods: given.methods ?? [] }), found)
  found["client's connection"] = closed(client)
  if (given.tls?.client !== undefined) found["client's handshake"] = handshake(client.socket)
  for (const [at, talk] of upstream.entries()) {
    const name = `request ${at + 1}`
    if (talk.h2 !== undefined) readStreams(name, talk, found)
    else if (given.upstreamWire === 'tcp') found[`bytes to upstream ${at + 1}`] = talk.text
    else readMessages(name, readHttp1(talk.text, { side: 'requests' }), found)
    found[`upstream connection ${at + 1}`] = closed(talk)
    if (given.tls?.upstream !== undefined) found[`upstream handshake ${at + 1}`] = handshake(talk.socket)
  }
  return found
}

/** Version, protocol by ALPN, the name asked for, and whose certificate was shown. */
function handshake(socket: Socket): string {
  if (!(socket instanceof TLSSocket) || socket.getProtocol() === null) return 'failed'
  const { servername, alpnProtocol } = socket as TLSSocket & { readonly servername?: string | false }
  const names = socket.getPeerX509Certificate()?.subjectAltName ?? 'nobody'
  return `${socket.getProtocol()}, ALPN ${alpnProtocol || 'none'}, name ${servername || 'none'}, ${names}`
}

/** A FIN and a reset are not told apart: unread bytes turn one into the other by chance. A GOAWAY in front of either is only polite (RFC 9113 5.4.1). */
function closed({ ending, h2 }: Talk): string {
  if (ending !== 'open') return 'closed'
  return h2?.goaway === undefined ? 'open' : `open after GOAWAY ${h2.goaway}`
}

function readMessages(name: string, { messages, rest }: Reading, found: Record<string, string>): void {
  for (const [at, message] of messages.entries()) tell(`${name}.${at + 1}`, message, found)
  if (rest !== '') found[`${name} behind`] = rest
}

function tell(name: string, { line, headers, body, trailers, whole }: Message, found: Record<string, string>): void {
  found[name] = line
  found[`${name} headers`] = headers.map(steady).join('\n')
  found[`${name} body`] = whole ? body : `${body} (cut)`
  if (trailers.length > 0) found[`${name} trailers`] = trailers.join('\n')
}

function readStreams(name: string, { h2 }: Talk, found: Record<string, string>): void {
  for (const stream of [...(h2?.streams.values() ?? [])].sort((a, b) => a.id - b.id)) {
    if (stream.id > 0) tellStream(`${name} on ${stream.id}`, stream, found)
  }
}

function tellStream(name: string, { heads, data, ended, rst }: SeenStream, found: Record<string, string>): void {
  for (const [at, head] of heads.entries()) {
    const lines = head.map(([field, value]) => steady(`${field}: ${value}`))
    found[`${name} head ${at + 1}`] = sorted(lines).join('\n')
  }
  found[`${name} body`] = data
  // A reset without error behind a whole answer only says that nobody reads on (RFC 9113 8.1): whether the request was
  // whole by then is chance.
  const over = ended && rst !== undefined && rst !== 0 ? `whole, then reset ${rst}` : 'whole'
  found[`${name} end`] = ended ? over : rst === undefined ? 'unfinished' : `reset ${rst}`
}

/** One thing that differs. */
export interface Difference {
  readonly what: string
  readonly envoy: string
  readonly weft: string
}

/** All that differs. */
export function differences(envoy: Observation, weft: Observation): readonly Difference[] {
  const names = [...new Set([...Object.keys(envoy), ...Object.keys(weft)])]
  return names
    .map((what) => ({ what, envoy: envoy[what] ?? '(none)', weft: weft[what] ?? '(none)' }))
    .filter((one) => one.envoy !== one.weft)
}

/** Nothing came back, and nothing reached the upstream either. */
export function nothingHappened(seen: Observation): boolean {
  return (
    Object.keys(seen).every((name) => name === "client's connection" || name === 'log') &&
    seen["client's connection"] === 'open'
  )
}
