// Speaks to a workload's listener directly, as somebody the mesh may or may not know, and tells what came back.
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { IssuedIdentity, MeshInstance } from './mesh-access.ts'

/** How to come: without TLS, with TLS but no certificate (only `ca`), or as someone. */
export type Approach =
  | { readonly kind: 'plaintext' }
  | { readonly kind: 'tls'; readonly identity: Pick<IssuedIdentity, 'ca'> & Partial<IssuedIdentity> }

export interface DialogueOutcome {
  /** What the application behind the listener said; empty if it was not reached. */
  readonly answer: string
  /** How it ended, in words. */
  readonly end: string
}

const timeoutMs = 4_000

/** Asks the first port of an instance for `path` (or says PING, where the port speaks TCP), and waits for the end. */
export function speakTo(instance: MeshInstance, approach: Approach, path = '/healthz'): Promise<DialogueOutcome> {
  const [port] = instance.ports
  if (port === undefined) return Promise.reject(new Error(`${instance.name} has no port`))
  const http = port.name.startsWith('http')
  const host = instance.labels['app'] ?? instance.workload
  const question = http ? `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n` : 'PING\n'
  const target = { host: instance.address, port: port.port }
  return new Promise((resolve) => {
    const socket = open(target, approach, http)
    const chunks: Buffer[] = []
    const finish = (end: string): void => {
      socket.destroy()
      const bytes = Buffer.concat(chunks)
      // A listener that wants TLS may tell a plain visitor so by a TLS alert (record type 21): that is no answer.
      resolve({ answer: bytes[0] === 21 ? '' : bytes.toString('latin1'), end })
    }
    socket.setTimeout(timeoutMs, () => finish('silence'))
    socket.once(approach.kind === 'plaintext' ? 'connect' : 'secureConnect', () => socket.write(question))
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      if (!http && chunk.includes('\n')) finish('answered')
    })
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message))
    socket.on('close', () => finish('closed'))
  })
}

function open(target: { host: string; port: number }, approach: Approach, http: boolean): Socket {
  if (approach.kind === 'plaintext') return connectPlain(target)
  return connectTls({
    ...target,
    ...approach.identity,
    ...(http ? { ALPNProtocols: ['http/1.1'] } : {}),
    minVersion: 'TLSv1.3',
    // SPIFFE servers have no host name; that the chain leads to the mesh's root is still verified.
    checkServerIdentity: () => undefined,
  })
}

/** The status of an HTTP answer, `PONG`, or `nothing`. */
export function summary({ answer, end }: DialogueOutcome): string {
  const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(answer) ?? []
  return status ?? (answer.trim() === '' ? `nothing (${end})` : answer.trim().slice(0, 40))
}
