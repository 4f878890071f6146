// Writes a request byte by byte as a test wants it, and reads the answer: no client library that mends what it sends.
import { connect, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import type { TlsMaterial } from '@weft/core'
import type { Side, TestRequest } from './generate-request.ts'

/** Where to send a request, and how. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly side: Side
  /** Shown in a TLS handshake; undefined: plaintext. */
  readonly material: TlsMaterial | undefined
  /** User-Agent, by which logs and applications tell requests apart. */
  readonly tag: string
}

/** An answer as read. */
export interface RawAnswer {
  readonly status: number | 'closed'
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
  /** Why there was no answer. */
  readonly detail: string | undefined
}

const timeoutMs = 30_000

/** Sends one request on a connection of its own. Never rejects. */
export function sendRaw(target: Target, request: TestRequest): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const { host, port, material } = target
    const localAddress = request.source ?? '127.0.0.1'
    let text = ''
    let problem: string | undefined
    const head = Buffer.from(requestHead(target, request), 'latin1')
    const socket: Socket =
      material === undefined
        ? connect({ host, port, localAddress }, () => socket.write(head))
        : tlsConnect(
            {
              socket: connect({ host, port, localAddress }),
              cert: material.certificateChainPem,
              key: material.privateKeyPem,
              rejectUnauthorized: false,
              ALPNProtocols: ['http/1.1'],
              minVersion: 'TLSv1.3',
            },
            () => socket.write(head),
          )
    socket.setTimeout(timeoutMs, () => {
      problem = 'no end of the answer in time'
      socket.destroy()
    })
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      // Proxies wait a while for the client to close first.
      if (isWhole(text, request.method)) socket.destroy()
    })
    socket.on('error', (error) => (problem = error.message))
    socket.on('close', () => resolve(parseAnswer(text, problem)))
  })
}

/** An explicit proxy is sent the absolute form (RFC 9112 section 3.2.2), everyone else the origin form. */
function requestHead({ side, tag }: Target, request: TestRequest): string {
  const target = side === 'outbound' ? `http://${request.authority}${request.target}` : request.target
  const lines = [
    `${request.method} ${target} HTTP/1.1`,
    `Host: ${request.authority}`,
    `User-Agent: ${tag}`,
    'Connection: close',
    ...request.headers.map(([name, value]) => `${name}: ${value}`),
    ...(['POST', 'PUT', 'PATCH'].includes(request.method) ? ['Content-Length: 0'] : []),
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** Whether head and body are there; an answer without a length ends with its connection. */
function isWhole(text: string, method: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  if (method === 'HEAD') return true
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end + 2))?.[1]
  return length !== undefined && text.length >= end + 4 + Number(length)
}

function parseAnswer(text: string, problem: string | undefined): RawAnswer {
  const end = text.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = text.slice(0, Math.max(end, 0)).split('\r\n')
  const status = /^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]
  if (end < 0 || status === undefined) {
    return { status: 'closed', headers: [], body: '', detail: problem ?? JSON.stringify(text.slice(0, 80)) }
  }
  const headers = lines.map((line): readonly [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  return { status: Number(status), headers, body: text.slice(end + 4), detail: problem }
}
