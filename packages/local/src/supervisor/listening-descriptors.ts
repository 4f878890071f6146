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
type MakeHandle = (address: string, port: number, addressType: 4 | 6) => TcpHandle | number

interface Held {
  readonly handle: TcpHandle
  /** Processes that listen on it, and `abandoned`. */
  readonly users: Set<object>
}

/** Stands for processes that are gone, or about to: what they had is kept until their successors have said what they need. */
const abandoned = {}

/** Descriptors by address. */
export class ListeningDescriptors {
  readonly #held = new Map<string, Held>()

  /** The descriptor for an address. Undefined: this node cannot make one, bind it yourself. */
  acquire(user: object, host: string, port: number): Result<object | undefined> {
    const key = `${host}:${port}`
    const known = this.#held.get(key)
    if (known !== undefined) {
      known.users.add(user)
      return ok(known.handle)
    }
    const made = bind(host, port)
    if (made.ok && made.value !== undefined) this.#held.set(key, { handle: made.value, users: new Set([user]) })
    return made
  }

  /** This process does not listen there any more. */
  release(user: object, host: string, port: number): void {
    const held = this.#held.get(`${host}:${port}`)
    if (held?.users.delete(user) === true) this.#closeUnused()
  }

  /** This process is gone or on its way out: its descriptors stay until `forgetAbandoned`. */
  abandon(user: object): void {
    for (const { users } of this.#held.values()) if (users.delete(user)) users.add(abandoned)
  }

  /** The successors serve: what none of them asked for is closed. */
  forgetAbandoned(): void {
    for (const { users } of this.#held.values()) users.delete(abandoned)
    this.#closeUnused()
  }

  /** Addresses held, for tests and status. */
  get addresses(): readonly string[] {
    return [...this.#held.keys()]
  }

  close(): void {
    for (const { handle } of this.#held.values()) handle.close()
    this.#held.clear()
  }

  #closeUnused(): void {
    for (const [key, { handle, users }] of this.#held) {
      if (users.size > 0) continue
      this.#held.delete(key)
      handle.close()
    }
  }
}

function bind(host: string, port: number): Result<TcpHandle | undefined> {
  const make = (net as unknown as { _createServerHandle?: MakeHandle })._createServerHandle
  if (make === undefined) return ok(undefined)
  const made = make(host, port, isIPv6(host) ? 6 : 4)
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
