// Applications and clients of the simulated world: just enough HTTP/1.1, over the world's network.
import type { Runtime } from '@weft/core'

/** One request as an application sees it. */
export interface SimRequest {
  readonly method: string
  readonly target: string
  readonly headers: ReadonlyMap<string, string>
}

/** One answer. */
export interface SimAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

function parse(head: string): { first: string[]; headers: Map<string, string> } {
  const [line = '', ...lines] = head.split('\r\n')
  const headers = new Map<string, string>()
  for (const text of lines)
    headers.set(text.slice(0, text.indexOf(':')).toLowerCase(), text.slice(text.indexOf(':') + 1).trim())
  return { first: line.split(' '), headers }
}

/** Serves requests without bodies, one after the other on each connection. */
export async function simHttpApp(
  runtime: Runtime,
  at: { readonly host: string; readonly port: number },
  handler: (request: SimRequest) => Promise<{ readonly status: number; readonly body: string }>,
): Promise<void> {
  const listening = await runtime.net.listen(at, (transport) => {
    let buffered = ''
    let busy = Promise.resolve()
    transport.handler = {
      onData: (chunk) => {
        buffered += chunk.toString('latin1')
        for (let end = buffered.indexOf('\r\n\r\n'); end >= 0; end = buffered.indexOf('\r\n\r\n')) {
          const { first, headers } = parse(buffered.slice(0, end))
          buffered = buffered.slice(end + 4)
          busy = busy.then(async () => {
            const { status, body } = await handler({ method: first[0] ?? '', target: first[1] ?? '', headers })
            transport.writeLatin1(`HTTP/1.1 ${status} X\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
          })
        }
      },
      onEnd: () => transport.end(),
      onDrain() {},
      onClose() {},
    }
    transport.resume()
  })
  if (!listening.ok) throw new Error(listening.error)
}

/** Sends one request on a connection of its own; rejects when the connection ends without a whole answer. */
export function simFetch(
  runtime: Runtime,
  at: { readonly host: string; readonly port: number; readonly localAddress?: string },
  target: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<SimAnswer> {
  return new Promise((resolve, reject) => {
    runtime.net.connect(
      at,
      (transport) => {
        let text = ''
        const finish = (): void => {
          const end = text.indexOf('\r\n\r\n')
          if (end < 0) return
          const { first, headers: answered } = parse(text.slice(0, end))
          const body = text.slice(end + 4)
          const length = answered.get('content-length')
          const whole = length === undefined ? body.endsWith('0\r\n\r\n') : body.length >= Number(length)
          if (!whole) return
          resolve({ status: Number(first[1]), headers: answered, body })
          transport.end()
        }
        transport.handler = {
          onData: (chunk) => {
            text += chunk.toString('latin1')
            finish()
          },
          onEnd: () => transport.end(),
          onDrain() {},
          onClose: (close) => reject(new Error(`connection over (${close.reason}) after ${JSON.stringify(text)}`)),
        }
        transport.resume()
        const lines = Object.entries({ connection: 'close', ...headers }).map(
          ([name, value]) => `${name}: ${value}\r\n`,
        )
        transport.writeLatin1(`GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`)
      },
      (close) => reject(new Error(`connect: ${close.reason}`)),
    )
  })
}
