// Requests at appointed times, on kept and on new connections, GET and POST, and what became of each.
import { Agent, request } from 'node:http'

export interface LoadResult {
  readonly sent: number
  readonly answered: number
  readonly newConnections: number
  /** Different answers that came. */
  readonly bodies: ReadonlySet<string>
  readonly failures: readonly string[]
}

const timeoutMs = 10_000

/** Sends until stopped: every second request on a connection of its own, every third a POST. */
export function startLoad(url: string, perSecond: number): { stop(): Promise<LoadResult> } {
  const agent = new Agent({ keepAlive: true })
  const failures: string[] = []
  const bodies = new Set<string>()
  const open = new Set<Promise<void>>()
  const startedAt = performance.now()
  let sent = 0
  let newConnections = 0
  const one = async (number: number): Promise<void> => {
    const fresh = number % 2 === 0
    if (fresh) newConnections += 1
    const leftAt = performance.now()
    const method = number % 3 === 0 ? 'POST' : 'GET'
    const seen = await ask(url, method, fresh ? false : agent)
    if (seen.status === 200) bodies.add(seen.text)
    else
      failures.push(
        `${Math.round(leftAt - startedAt)} ms ${method} ${fresh ? 'new' : 'kept'}: ${seen.status} ${seen.text}`,
      )
  }
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) * perSecond) / 1000
    while (sent < due) {
      const work = one(sent++)
      open.add(work)
      void work.then(() => open.delete(work))
    }
  }, 5)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(open)
      agent.destroy()
      return { sent, answered: sent - failures.length, newConnections, bodies, failures }
    },
  }
}

function ask(url: string, method: string, agent: Agent | false): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const fail = (error: Error): void => resolve({ status: 0, text: String(error) })
    const sent = request(url, { method, agent, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('error', fail)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    sent.on('error', fail)
    sent.end(method === 'POST' ? 'a body' : undefined)
  })
}

/** A download that takes as long as its lines times their distance; resolves with how it ended. */
export async function longDownload(url: string, lines: number, everyMs: number): Promise<string> {
  return new Promise((resolve) => {
    const sent = request(`${url}/through/stream?lines=${lines}&everyMs=${everyMs}`, { agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('error', (error) => resolve(`${error.message} after ${text.slice(-20).trim()}`))
      response.on('end', () => {
        const right = text === Array.from({ length: lines }, (_, at) => `line ${at + 1}\n`).join('')
        resolve(right ? `${response.statusCode} whole` : `${response.statusCode} ${text.length} bytes`)
      })
    })
    sent.on('error', (error) => resolve(String(error)))
    sent.end()
  })
}
