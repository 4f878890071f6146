import { Resolver } from 'node:dns'
import { readFile as readFileWithCallback } from 'node:fs'
import { isIP, isIPv6 } from 'node:net'
import { promisify } from 'node:util'
import type { NameAnswer, NameQuestion, Names } from '../transport.ts'

// Not from node:fs/promises: that loads readline and more, see node-files.ts.
const readFile = promisify(readFileWithCallback)

/** Each server is asked twice at most, for so long; a lookup ends within a few of these. */
const askMs = 2_000
const asks = 2
/** Resolvers for servers that somebody configured; more than a few are a mistake, and then the oldest goes. */
const maxResolvers = 16
/** How long the file of hosts is believed before it is read again. */
const hostsMs = 5_000

/** The machine's file of hosts, then name servers, as c-ares asks them: no thread of the process waits for an answer. */
export const nodeNames: Names = { lookup }

const resolvers = new Map<string, Resolver>()
let hosts: { readonly readMs: number; readonly byName: ReadonlyMap<string, readonly string[]> } | undefined

function lookup(question: NameQuestion, onAnswer: (answer: NameAnswer) => void): void {
  void fromHosts(question).then((known) => {
    if (known === undefined) ask(question, onAnswer)
    else onAnswer({ kind: 'addresses', addresses: known, ttlMs: undefined })
  })
}

function ask({ name, family, servers }: NameQuestion, onAnswer: (answer: NameAnswer) => void): void {
  const done = (
    error: NodeJS.ErrnoException | null,
    records: readonly { readonly address: string; readonly ttl: number }[] | undefined,
  ): void => {
    if (error !== null) return onAnswer(answerTo(error))
    if (records === undefined || records.length === 0) return onAnswer({ kind: 'none' })
    const ttlMs = Math.min(...records.map(({ ttl }) => ttl)) * 1000
    onAnswer({ kind: 'addresses', addresses: records.map(({ address }) => address), ttlMs })
  }
  try {
    const resolver = resolverFor(servers)
    if (family === 4) resolver.resolve4(name, { ttl: true }, done)
    else resolver.resolve6(name, { ttl: true }, done)
  } catch (error) {
    // A name or a server that c-ares takes for no such thing.
    queueMicrotask(() => onAnswer({ kind: 'failed', detail: (error as Error).message }))
  }
}

function answerTo({ code, message }: NodeJS.ErrnoException): NameAnswer {
  const none = code === 'ENOTFOUND' || code === 'ENODATA' || code === 'EBADNAME'
  return none ? { kind: 'none' } : { kind: 'failed', detail: code ?? message }
}

function resolverFor(servers: NameQuestion['servers']): Resolver {
  const texts = servers.map(({ address, port }) => (isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`))
  const key = texts.join()
  const known = resolvers.get(key)
  if (known !== undefined) return known
  const resolver = new Resolver({ timeout: askMs, tries: asks })
  if (texts.length > 0) resolver.setServers(texts)
  const [oldest] = resolvers.keys()
  if (resolvers.size >= maxResolvers && oldest !== undefined) resolvers.delete(oldest)
  resolvers.set(key, resolver)
  return resolver
}

async function fromHosts({ name, family }: NameQuestion): Promise<readonly string[] | undefined> {
  const nowMs = performance.now()
  if (hosts === undefined || nowMs - hosts.readMs >= hostsMs) {
    const text = await readFile('/etc/hosts', 'utf8').catch(() => '')
    hosts = { readMs: nowMs, byName: hostsOf(text) }
  }
  const found = hosts.byName.get(name.toLowerCase())?.filter((address) => isIP(address) === family)
  return found === undefined || found.length === 0 ? undefined : found
}

/** Addresses by lower-case name (hosts(5)). */
function hostsOf(text: string): Map<string, readonly string[]> {
  const byName = new Map<string, readonly string[]>()
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (address === undefined || isIP(address) === 0) continue
    for (const name of names.map((each) => each.toLowerCase())) {
      byName.set(name, [...(byName.get(name) ?? []), address])
    }
  }
  return byName
}
