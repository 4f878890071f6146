// Makes one connection as it is described and waits for the line of an application.
import { connect, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import type { TlsMaterial } from '@weft/core'
import type { Arrived } from './stream-application.ts'
import type { StreamOutcome, TestConnection } from './test-connection.ts'

/** How a connection is made. */
export interface StreamTarget {
  /** Where a proxy is bound. */
  readonly host: string
  readonly port: number
  /** Shown when a certificate is asked for. */
  readonly material: TlsMaterial | undefined
  /** What a PROXY header tells instead of the kernel: where the connection was meant to go, and from which port. */
  readonly redirected?: { readonly fromPort: number }
}

/** What came of it. */
export interface StreamAnswer {
  readonly outcome: StreamOutcome
  readonly arrived: Arrived | undefined
  /** `address:port` that the proxy knows the client by. */
  readonly client: string
  /** How it ended, in words. */
  readonly detail: string | undefined
}

const timeoutMs = 30_000

const attempts = 5

/** Never rejects. A connection that is reset so soon that its port was never known is made again. */
export async function openStream(target: StreamTarget, connection: TestConnection): Promise<StreamAnswer> {
  for (let attempt = 1; ; attempt++) {
    const answer = await openOnce(target, connection)
    if (answer.client !== '' || answer.outcome !== 'closed' || attempt === attempts) return answer
  }
}

function openOnce(target: StreamTarget, connection: TestConnection): Promise<StreamAnswer> {
  return new Promise((resolve) => {
    const { source, tls, silent } = connection
    let client = ''
    let text = ''
    let detail: string | undefined
    let refused = false
    const raw = connect({ host: target.host, port: target.port, localAddress: source }, () => {
      client = `${source}:${target.redirected?.fromPort ?? raw.localPort}`
      if (target.redirected !== undefined) raw.write(proxyHeader(connection, target.redirected.fromPort))
      if (tls !== undefined) read(secured(raw, target.material, tls.serverName))
      else if (silent !== true) raw.write('hello\n')
    })
    const read = (socket: Socket): void => {
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
        if (text.includes('\n')) raw.destroy()
      })
      socket.on('error', (error) => {
        detail = error.message
        raw.destroy()
      })
    }
    if (tls === undefined) read(raw)
    raw.on('error', (error: NodeJS.ErrnoException) => {
      detail ??= error.message
      refused ||= error.code === 'ECONNREFUSED'
    })
    raw.setTimeout(timeoutMs, () => {
      detail = 'neither an answer nor an end in time'
      raw.destroy()
    })
    raw.on('close', () => {
      const arrived = arrivedOf(text)
      const outcome = arrived !== undefined ? 'answered' : refused ? 'refused' : 'closed'
      resolve({ outcome, arrived, client, detail })
    })
  })
}

function secured(raw: Socket, material: TlsMaterial | undefined, servername: string): Socket {
  const own = material === undefined ? {} : { cert: material.certificateChainPem, key: material.privateKeyPem }
  const named = servername === '' ? {} : { servername }
  const socket = tlsConnect({ socket: raw, ...own, ...named, rejectUnauthorized: false }, () => socket.write('hello\n'))
  return socket
}

/** Version 1. */
function proxyHeader({ source, host, port }: TestConnection, fromPort: number): string {
  return `PROXY TCP4 ${source} ${host} ${fromPort} ${port}\r\n`
}

function arrivedOf(text: string): Arrived | undefined {
  const line = text.split('\n')[0] ?? ''
  return text.includes('\n') && line.startsWith('{') ? (JSON.parse(line) as Arrived) : undefined
}
