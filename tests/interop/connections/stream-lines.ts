// The access log of connections, looked up by the client's address and port.
import { textOf, WaitedLines } from '../differential/waited-lines.ts'

/** What is compared, or shown with a difference. */
export interface StreamLine {
  /** Name of the filter chain. */
  readonly chain: string | undefined
  readonly cluster: string | undefined
  readonly flags: string
  readonly details: string
}

const waitMs = 10_000

/** Takes lines as they come and hands each to who waits for its client. Ports come again: what nobody asked for is cleared. */
export class StreamLines extends WaitedLines<StreamLine> {
  /** Takes a line of the fields that `told-chains.ts` asks for. */
  add(text: string): void {
    if (!text.startsWith('{')) return
    const fields = JSON.parse(text) as Readonly<Record<string, unknown>>
    const client = fields['downstream_remote_address']
    if (typeof client !== 'string' || typeof fields['chain'] !== 'string') return
    this.came(client, {
      chain: textOf(fields['chain']),
      cluster: textOf(fields['upstream_cluster']),
      flags: textOf(fields['response_flags']) ?? '',
      details: textOf(fields['connection_termination_details']) ?? '',
    })
  }

  /** The line of a client, once; `due`: one has to come, and is waited for. */
  take(client: string, due: boolean): Promise<StreamLine | undefined> {
    return this.due(client, due ? waitMs : undefined)
  }
}
