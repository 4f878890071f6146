// The access log of connections, looked up by the client's address and port.

/** What is compared, or shown with a difference. */
export interface StreamLine {
  /** Name of the filter chain. */
  readonly chain: string | undefined
  readonly cluster: string | undefined
  readonly flags: string
  readonly details: string
}

const waitMs = 10_000

/** Takes lines as they come and hands each to who waits for its client. */
export class StreamLines {
  readonly #lines = new Map<string, StreamLine>()
  readonly #waiting = new Map<string, (line: StreamLine) => void>()

  /** Takes a line of the fields that `told-chains.ts` asks for. */
  add(text: string): void {
    if (!text.startsWith('{')) return
    const fields = JSON.parse(text) as Readonly<Record<string, unknown>>
    const client = fields['downstream_remote_address']
    if (typeof client !== 'string' || typeof fields['chain'] !== 'string') return
    const line = {
      chain: textOf(fields['chain']),
      cluster: textOf(fields['upstream_cluster']),
      flags: textOf(fields['response_flags']) ?? '',
      details: textOf(fields['connection_termination_details']) ?? '',
    }
    const waiting = this.#waiting.get(client)
    this.#waiting.delete(client)
    if (waiting === undefined) this.#lines.set(client, line)
    else waiting(line)
  }

  /** The line of a client, once; `due`: one has to come, and is waited for. */
  take(client: string, due: boolean): Promise<StreamLine | undefined> {
    const line = this.#lines.get(client)
    this.#lines.delete(client)
    if (line !== undefined || !due) return Promise.resolve(line)
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(client)
        resolve(undefined)
      }, waitMs)
      this.#waiting.set(client, (found) => {
        clearTimeout(timer)
        resolve(found)
      })
    })
  }

  /** Forgets what nobody asked for: ports come again. */
  clear(): void {
    this.#lines.clear()
  }
}

/** Envoy writes null for what there is not, Weft `-` or null. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '-' && value !== '' ? value : undefined
}
