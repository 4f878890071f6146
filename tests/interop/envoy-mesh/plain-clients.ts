// Clients that know nothing of a mesh.
import assert from 'node:assert/strict'
import { type IncomingMessage, request } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect, type Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { once } from '@weft/testkit/once'

/** What came back. */
export interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: IncomingMessage['headers']
}

/** One request on a connection of its own; over TLS where `tls` says how. */
export function http(
  {
    tls,
    ...to
  }: {
    readonly host: string
    readonly port: number
    readonly path: string
    readonly method?: string
    readonly headers?: Record<string, string>
    readonly tls?: ConnectionOptions
  },
  body?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onAnswer = (response: IncomingMessage): void => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers }))
      response.on('error', reject)
    }
    const options = { ...to, agent: false }
    const sent = tls === undefined ? request(options, onAnswer) : httpsRequest({ ...options, ...tls }, onAnswer)
    sent.on('error', reject)
    sent.setTimeout(10_000, () => sent.destroy(new Error('no answer within 10 s')))
    sent.end(body)
  })
}

/** How a connection may end for those to whom only what was said before counts. */
const ends: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE'])

/** What a connection brings until the other side closes it, or until that is enough: then it is closed from here. */
export function said(socket: Socket, isEnough: (text: string) => boolean = () => false): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    socket.setTimeout(15_000, () => socket.destroy(new Error('silent for 15 s')))
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (isEnough(text)) socket.destroy()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => (ends.has(error.code) ? resolve(text) : reject(error)))
    socket.on('close', () => resolve(text))
  })
}

/** What is answered to a text; fails when the connection is closed without a word. */
export async function answerTo(socket: Socket, text: string): Promise<string> {
  socket.write(text)
  const answer = await said(socket, (got) => got !== '')
  assert.notEqual(answer, '', 'closed without an answer')
  return answer
}

/** What a TCP service answers to a line. */
export function echo(to: { readonly host: string; readonly port: number }, line: string): Promise<string> {
  return answerTo(connect(to), line)
}

/** Asks a proxy for a tunnel; what it says to CONNECT, and the connection behind it. */
export async function openTunnel(
  proxy: { readonly host: string; readonly port: number },
  authority: string,
): Promise<{ readonly status: number; readonly socket: Socket }> {
  const sent = request({ ...proxy, method: 'CONNECT', path: authority, headers: { host: authority }, agent: false })
  sent.setTimeout(15_000, () => sent.destroy(new Error('no answer to CONNECT within 15 s')))
  sent.end()
  const [response, socket, first] = (await once(sent, 'connect')) as [IncomingMessage, Socket, Buffer]
  if (first.length > 0) socket.unshift(first)
  return { status: response.statusCode ?? 0, socket }
}
