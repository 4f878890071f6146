// The host agent: identities of everything that runs on this machine. It outlives the proxies it serves, so a restarted
// proxy gets the same key and certificate at once, also while the control plane is down.
import { err, type Logger, ok, type Result } from '@weft/core'
import { agentId } from '@weft/identity'
import { startSdsServer } from './sds-server.ts'
import { type CaEndpoint, makeSignClient } from './sign-client.ts'
import type { Svid } from './svid.ts'
import { startXdsRelay } from './xds-relay.ts'
import { removeSvidFiles, writeSvidFiles } from './svid-files.ts'
import { type SvidKeeper, startSvidKeeper } from './svid-keeper.ts'

/** What the agent needs of whoever started it. */
export interface HostAgentOptions {
  readonly trustDomain: string
  /** Where the CA is at the moment; undefined while it is not known. */
  readonly endpoint: () => CaEndpoint | undefined
  /** Hands out a fresh one-time token that the control plane will find. */
  readonly freshToken: () => string
  readonly log: Logger
}

/** What is told of one identity; no secrets. */
export interface IdentityStatus {
  readonly id: string
  readonly serial: string | undefined
  readonly notBeforeMs: number | undefined
  readonly notAfterMs: number | undefined
  readonly renewAtMs: number | undefined
  readonly problem: string | undefined
}

interface Holding {
  readonly keeper: SvidKeeper
  readonly listeners: Set<(svid: Svid) => void>
}

/** What serves an identity on a Unix socket. */
interface IdentitySocket {
  set(svid: Svid): void
  close(): void
}

/** Identities by SPIFFE id, and the sockets that serve them. */
export class HostAgent {
  readonly #options: HostAgentOptions
  readonly #identities = new Map<string, Holding>()
  readonly #sockets = new Map<string, { readonly server: IdentitySocket; readonly stop: () => void }>()
  readonly #own: Holding
  readonly #requestSvid = makeSignClient()
  /** Who waits for a certificate; stopping tells them, lest their timers keep the process. */
  readonly #waiting = new Set<(result: Result<Svid>) => void>()
  #stopped = false

  constructor(options: HostAgentOptions) {
    this.#options = options
    this.#own = this.#hold(agentId(options.trustDomain), (id) => this.#requestOwn(id))
  }

  /** Serves `id` on the Unix socket `path` until `close(path)`; secrets arrive on it when the CA has signed them. */
  async serve(path: string, id: string): Promise<Result<undefined>> {
    const server = await startSdsServer(path, this.#options.log)
    if (!server.ok) return server
    this.#open(path, id, server.value)
    return { ok: true, value: undefined }
  }

  /**
   * Serves the control plane's xDS on the Unix socket `path` as `id`, until `close(path)`, and keeps the certificate files of
   * `folder` fresh: for gRPC libraries, which ask for themselves.
   */
  async serveXds(path: string, id: string, folder: string): Promise<Result<undefined>> {
    const { endpoint, log } = this.#options
    const relay = await startXdsRelay(path, endpoint, log)
    if (!relay.ok) return relay
    this.#open(path, id, {
      set(svid) {
        const written = writeSvidFiles(folder, svid)
        if (!written.ok) log.error('a certificate was not renewed', { reason: written.error })
        relay.value.set(svid)
      },
      close() {
        relay.value.close()
        removeSvidFiles(folder)
      },
    })
    return { ok: true, value: undefined }
  }

  /** Serves another id on an open socket from now on (sabotage tests: a workload that shows a name that is not its own). */
  reassign(path: string, id: string): void {
    const socket = this.#sockets.get(path)
    if (socket === undefined) return
    socket.stop()
    const { server } = socket
    this.#sockets.set(path, { server, stop: this.onSvid(id, (svid) => server.set(svid)) })
  }

  /** Ends one socket; the identity is kept while another socket or listener uses it. */
  close(path: string): void {
    const socket = this.#sockets.get(path)
    this.#sockets.delete(path)
    socket?.stop()
    socket?.server.close()
  }

  /** Calls back with the identity now (when there is one) and at each renewal. */
  onSvid(id: string, listener: (svid: Svid) => void): () => void {
    const holding = this.#identities.get(id) ?? this.#hold(id, (asked) => this.#request(asked))
    this.#identities.set(id, holding)
    holding.listeners.add(listener)
    if (holding.keeper.svid !== undefined) listener(holding.keeper.svid)
    return () => {
      holding.listeners.delete(listener)
      if (holding.listeners.size > 0 || this.#identities.get(id) !== holding) return
      holding.keeper.close()
      this.#identities.delete(id)
    }
  }

  /** Resolves when `id` has a certificate; the error says what was wrong with the last attempt, or that the agent was stopped. */
  untilIssued(id: string, timeoutMs: number): Promise<Result<Svid>> {
    if (this.#stopped) return Promise.resolve(err('the agent was stopped'))
    return new Promise((resolve) => {
      let stop = (): void => {}
      const settle = (result: Result<Svid>): void => {
        clearTimeout(timer)
        this.#waiting.delete(settle)
        queueMicrotask(() => stop())
        resolve(result)
      }
      const timer = setTimeout(() => {
        const problem = this.#identities.get(id)?.keeper.problem ?? this.#own.keeper.problem
        settle(err(`no certificate for ${id}: ${problem ?? 'the CA did not answer'}`))
      }, timeoutMs)
      this.#waiting.add(settle)
      stop = this.onSvid(id, (svid) => settle(ok(svid)))
    })
  }

  /** Renews every workload identity now. */
  rotateAll(): void {
    for (const { keeper } of this.#identities.values()) keeper.force()
  }

  /** The agent's own identity first. */
  status(): readonly IdentityStatus[] {
    const all: [string, Holding][] = [[agentId(this.#options.trustDomain), this.#own], ...this.#identities]
    return all.map(([id, { keeper }]) => ({
      id,
      serial: keeper.svid?.serial,
      notBeforeMs: keeper.svid?.notBeforeMs,
      notAfterMs: keeper.svid?.notAfterMs,
      renewAtMs: keeper.state.wakeAtMs,
      problem: keeper.problem,
    }))
  }

  /** Ends all sockets and forgets all keys. */
  stop(): void {
    this.#stopped = true
    for (const settle of [...this.#waiting]) settle(err('the agent was stopped'))
    for (const path of [...this.#sockets.keys()]) this.close(path)
    for (const { keeper } of this.#identities.values()) keeper.close()
    this.#identities.clear()
    this.#own.keeper.close()
  }

  #open(path: string, id: string, server: IdentitySocket): void {
    this.#sockets.set(path, { server, stop: this.onSvid(id, (svid) => server.set(svid)) })
  }

  #hold(id: string, request: (id: string) => Promise<Result<Svid>>): Holding {
    const listeners = new Set<(svid: Svid) => void>()
    const onSvid = (svid: Svid): void => {
      for (const listener of [...listeners]) listener(svid)
    }
    return { listeners, keeper: startSvidKeeper({ id, request, onSvid, log: this.#options.log }) }
  }

  async #requestOwn(id: string): Promise<Result<Svid>> {
    const endpoint = this.#options.endpoint()
    if (endpoint === undefined) return err('the control plane is not up')
    const held = this.#own?.keeper.svid
    if (held !== undefined && held.notAfterMs > Date.now())
      return this.#requestSvid(endpoint, { kind: 'svid', svid: held }, id)
    return this.#requestSvid(endpoint, { kind: 'token', token: this.#options.freshToken() }, id)
  }

  async #request(id: string): Promise<Result<Svid>> {
    const endpoint = this.#options.endpoint()
    if (endpoint === undefined) return err('the control plane is not up')
    const svid = this.#own.keeper.svid
    if (svid === undefined) return err(`the agent has no identity yet: ${this.#own.keeper.problem ?? 'asking'}`)
    return this.#requestSvid(endpoint, { kind: 'svid', svid }, id)
  }
}
