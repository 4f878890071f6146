// What each proxy says about itself: what only it knows. Asked of its administrative page, on the machine where it runs.
import type { ProxyReport } from '@weft/control'

/** The part of `/server_info` of Weft's proxy that commands show. */
export interface ProxyCondition {
  readonly persistence: { readonly error?: string }
  /** Accepted, but not served yet. */
  readonly warming: readonly { readonly kind: string; readonly name: string; readonly waitsFor: readonly string[] }[]
  /** Listeners whose address cannot be had. */
  readonly unbound: readonly { readonly listener: string; readonly address: string; readonly error?: string }[]
  /** Fields that accepted resources set and that the proxy does not read. */
  readonly unlisted: readonly { readonly type: string; readonly name: string; readonly fields: readonly string[] }[]
}

const adminPort = 15_000
const timeoutMs = 1_000

/** By proxy id; proxies that do not answer, or are none of Weft's, are left out. */
export async function proxyConditions(proxies: readonly ProxyReport[]): Promise<ReadonlyMap<string, ProxyCondition>> {
  const answers = await Promise.all(
    proxies.map(
      async ({ id, address }) => [id, await conditionAt(`http://${address}:${adminPort}/server_info`)] as const,
    ),
  )
  return new Map(answers.flatMap(([id, condition]) => (condition === undefined ? [] : [[id, condition] as const])))
}

async function conditionAt(url: string): Promise<ProxyCondition | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
    const body = (await response.json()) as Partial<ProxyCondition>
    // Envoy has a page of this name, too; it tells other things.
    const { persistence, warming, unbound = [], unlisted } = body
    if (persistence === undefined || warming === undefined || unlisted === undefined) return undefined
    return { persistence, warming, unbound, unlisted }
  } catch {
    return undefined
  }
}

/** A line for each thing that a person should know. */
export function conditionNotes(id: string, { persistence, warming, unbound, unlisted }: ProxyCondition): string[] {
  const disk = persistence.error
  return [
    ...warming.map(({ kind, name, waitsFor }) => `warming: ${id} ${kind} ${name} waits for ${waitsFor.join(', ')}`),
    ...unbound.map(
      ({ listener, address, error = 'it is not known why' }) =>
        `not listening: ${id} ${listener} at ${address}: ${error}. End what listens there, or choose another port.`,
    ),
    ...unlisted.map(
      ({ type, name, fields }) => `not read: ${id} ${type} ${name} sets ${fields.join(', ')}, which has no effect`,
    ),
    ...(disk === undefined ? [] : [`not kept: ${id} cannot save its configuration for its next start: ${disk}`]),
  ]
}
