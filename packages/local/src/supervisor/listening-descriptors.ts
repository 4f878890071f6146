// The listening descriptors of one proxy. The supervisor binds each once and keeps it, so that a proxy process may end, however it
// ends, and clients still wait in the kernel's queue for the next one. Only proxies listen and accept on them.
import net, { isIPv6 } from 'node:net'
import { getSystemErrorName } from 'node:util'
import { err, ok, type Result } from '@weft/core'

/** A native TCP handle: what node passes between processes. */
interface TcpHandle {
  getsockname(out: { port?: number }): number
  close(): void
}

/** Binds without listening; not in node's documentation, though `node:cluster` has stood on it since 0.12. */
type MakeHandle = (
  address: string,
  port: number,
  addressType: 4 | 6,
  fd: undefined,
  flags: number,
) => TcpHandle | number

/** libuv's flag for SO_REUSEPORT: the kernel deals connections out evenly among the sockets of one address. */
const reusePort = 2

interface Held {
  readonly handle: TcpHandle
  /** Processes that listen on it, and `abandoned`. */
  readonly users: Set<object>
}

/** Which of a proxy's processes asks, and for which of the descriptors that are due to it. */
export interface DescriptorShare {
  readonly shard: number
  readonly shards: number
  readonly index: number
}

/** What a process gets. Without a handle: this node cannot make one, bind it yourself. */
export interface LentDescriptor {
  readonly handle: object | undefined
  /** There is another one at the next index. */
  readonly more: boolean
}

/** Stands for processes that are gone, or about to: what they had is kept until their successors have said what they need. */
const abandoned = {}

/**
 * Descriptors by address. Several processes share one, unless `spread` is set: then each has its own, and the kernel deals
 * connections out evenly, which processes that wake up for one and the same descriptor do not. When there are fewer
 * processes than there were, they take over what is left: a descriptor with connections in its queue is never closed for it.
 */
export class ListeningDescriptors {
  readonly #spread: boolean
  readonly #held = new Map<string, Held[]>()

  constructor(options: { readonly spread: boolean }) {
    this.#spread = options.spread
  }

  /** A descriptor for an address. */
  acquire(
    user: object,
    { host, port }: { readonly host: string; readonly port: number },
    { shard, shards, index }: DescriptorShare,
  ): Result<LentDescriptor> {
    const key = `${host}:${port}`
    const held = this.#held.get(key) ?? []
    while (held.length < (this.#spread ? shards : 1)) {
      const made = bind(host, port, { spread: this.#spread, isFirst: held.length === 0 })
      if (made.ok && made.value !== undefined) held.push({ handle: made.value, users: new Set() })
      else if (held.length === 0) return made.ok ? ok({ handle: undefined, more: false }) : made
      // Where a second one cannot be had, all share the first.
      else break
    }
    this.#held.set(key, held)
    const own = held.filter((_, at) => at % shards === shard)
    const due = own.length > 0 ? own : [held[shard % held.length] as Held]
    const lent = due[index] ?? (due[0] as Held)
    lent.users.add(user)
    return ok({ handle: lent.handle, more: index + 1 < due.length })
  }

  /** This process does not listen there any more. */
  release(user: object, host: string, port: number): void {
    const released = this.#held.get(`${host}:${port}`)?.filter(({ users }) => users.delete(user))
    if (released !== undefined && released.length > 0) this.#closeUnused()
  }

  /** This process is gone or on its way out: its descriptors stay until `forgetAbandoned`. */
  abandon(user: object): void {
    for (const { users } of this.#all()) if (users.delete(user)) users.add(abandoned)
  }

  /** The successors serve: what none of them asked for is closed. */
  forgetAbandoned(): void {
    for (const { users } of this.#all()) users.delete(abandoned)
    this.#closeUnused()
  }

  /** Addresses held, each as often as there are descriptors. */
  get addresses(): readonly string[] {
    return [...this.#held].flatMap(([key, held]) => held.map(() => key))
  }

  close(): void {
    for (const { handle } of this.#all()) handle.close()
    this.#held.clear()
  }

  #all(): Held[] {
    return [...this.#held.values()].flat()
  }

  #closeUnused(): void {
    for (const [key, held] of this.#held) {
      const used = held.filter(({ users }) => users.size > 0)
      for (const { handle, users } of held) if (users.size === 0) handle.close()
      if (used.length === 0) this.#held.delete(key)
      else this.#held.set(key, used)
    }
  }
}

function bind(
  host: string,
  port: number,
  { spread, isFirst }: { readonly spread: boolean; readonly isFirst: boolean },
): Result<TcpHandle | undefined> {
  if (!spread) return bindOnce(host, port, 0)
  // With the flag, somebody else of this user who has it set, too, would go unnoticed and take a part of the connections.
  const probe = isFirst ? bindOnce(host, port, 0) : undefined
  if (probe !== undefined && (!probe.ok || probe.value === undefined)) return probe
  probe?.value?.close()
  const shared = bindOnce(host, port, reusePort)
  // Not every system has the flag.
  return shared.ok || !isFirst ? shared : bindOnce(host, port, 0)
}

function bindOnce(host: string, port: number, flags: number): Result<TcpHandle | undefined> {
  const make = (net as unknown as { _createServerHandle?: MakeHandle })._createServerHandle
  if (make === undefined) return ok(undefined)
  const made = make(host, port, isIPv6(host) ? 6 : 4, undefined, flags)
  if (typeof made === 'number') return err(problem(made, host, port))
  // An address in use is told late: without this look, listening on such a handle would take any free port instead.
  const bound: { port?: number } = {}
  const code = made.getsockname(bound)
  if (code === 0 && bound.port === port) return ok(made)
  made.close()
  return err(problem(code, host, port))
}

function problem(code: number, host: string, port: number): string {
  const name = code === 0 ? 'EADDRINUSE' : getSystemErrorName(code)
  return `listen ${name}: ${name === 'EADDRINUSE' ? 'address already in use' : 'cannot bind'} ${host}:${port}`
}
