import type { Runtime, Timer } from '@weft/core'
import { type ActiveConfig, emptyConfig, type EndpointSet } from '@weft/engine'
import { shortTypeName, typeUrl } from '@weft/xds'
import type { ResourceRejection, ResourceUpdate, XdsConsumer } from '../xds/subscription.ts'
import { type Accepted, type AcceptedResources, edsNameOf, noResources } from './accepted.ts'
import type { ResourceReaders } from './resource-readers.ts'
import { type Lack, settle, type Warming, type WarmingResult } from './warming.ts'

/** A cluster that routes still name is kept this long after it was taken away. */
const removalGraceMs = 5_000
/** Compiling runs in slices of about this long, so that a big update does not hold up requests. */
const sliceMs = 1

/** What the store tells the rest of the proxy. */
export interface ConfigStoreEvents {
  /** A new configuration is to be served by. Called after `active` was assigned. */
  onConfig(config: ActiveConfig, previous: ActiveConfig): void
  /** Endpoints changed; undefined: taken away. */
  onEndpoints(name: string, endpoints: EndpointSet | undefined): void
  /** The names of a type (EDS, RDS, SDS) the accepted configuration refers to changed. */
  onReferences(typeUrl: string, names: readonly string[]): void
  /** Something was accepted that differs from before: worth keeping for the next generation. */
  onAccepted(): void
}

/** A refused resource, until a good version of it arrives. */
export interface Refusal {
  readonly version: string
  readonly reason: string
}

/** What the store waits for outside itself. */
export interface SecretPresence {
  has(name: string): boolean
}

/**
 * Takes xDS resources in, one response at a time: reads and compiles what the response names (good resources apply, bad
 * ones are refused by name and keep their last good version), warms, and swaps one immutable `ActiveConfig` in one
 * assignment. Endpoints are current state and swap nothing.
 */
export class ConfigStore implements XdsConsumer {
  active: ActiveConfig = emptyConfig
  warming: readonly Warming[] = []
  readonly accepted: AcceptedResources = noResources()
  /** By type URL, then resource name. */
  readonly refused = new Map<string, Map<string, Refusal>>()
  readonly #runtime: Pick<Runtime, 'clock' | 'timers' | 'log'>
  readonly #readers: ResourceReaders
  readonly #secrets: SecretPresence
  readonly #events: ConfigStoreEvents
  readonly #references = new Map<string, string>()
  /** Since when what resources may do without has been lacking; see `keyOf`. */
  #lackingSinceMs: ReadonlyMap<string, number> = new Map()
  readonly #removedAtMs = new Map<string, number>()
  #queue: Promise<unknown> = Promise.resolve()
  #recheck: Timer | undefined

  constructor(
    runtime: Pick<Runtime, 'clock' | 'timers' | 'log'>,
    readers: ResourceReaders,
    secrets: SecretPresence,
    events: ConfigStoreEvents,
  ) {
    this.#runtime = runtime
    this.#readers = readers
    this.#secrets = secrets
    this.#events = events
  }

  /** Takes one response; resolves with what was refused. Responses are taken strictly one after the other. */
  onUpdate(
    type: string,
    added: readonly ResourceUpdate[],
    removed: readonly string[],
  ): Promise<readonly ResourceRejection[]> {
    const done = this.#queue.then(() => this.#apply(type, added, removed))
    this.#queue = done.catch(() => undefined)
    return done
  }

  /** Secrets arrived or changed: something may have been waiting for them. */
  onSecrets(): void {
    this.#settle()
  }

  /** (name, version) of everything held of a type, for `initial_resource_versions`. */
  held(type: string): ReadonlyMap<string, string> {
    const versions = new Map<string, string>()
    for (const [name, { version }] of this.#mapOf(type) ?? []) versions.set(name, version)
    return versions
  }

  /** Everything accepted of a type, encoded, for the next generation. */
  resourcesOf(type: string): readonly ResourceUpdate[] {
    return [...(this.#mapOf(type) ?? []).values()].flatMap(({ name, version, body, value }) =>
      'holdsKeys' in (value as object) ? [] : [{ name, version, value: body }],
    )
  }

  /** Endpoints as last told. */
  endpointsOf(edsName: string): EndpointSet | undefined {
    return this.accepted.endpoints.get(edsName)?.value
  }

  /** Stops all timers. */
  close(): void {
    this.#recheck?.cancel()
  }

  async #apply(
    type: string,
    added: readonly ResourceUpdate[],
    removed: readonly string[],
  ): Promise<readonly ResourceRejection[]> {
    const reader = this.#readers.get(type)
    const held = this.#mapOf(type)
    if (reader === undefined || held === undefined) {
      return added.map(({ name }) => ({ name, reason: `this proxy takes no resources of type ${type}` }))
    }
    const refused = this.#refusedOf(type)
    const read: Accepted<unknown>[] = []
    const rejections: ResourceRejection[] = []
    let sliceStartMs = this.#runtime.clock.nowMs()
    for (const { name, version, value: body } of added) {
      if (this.#runtime.clock.nowMs() - sliceStartMs >= sliceMs) {
        await this.#yield()
        sliceStartMs = this.#runtime.clock.nowMs()
      }
      const reading = reader(name, body)
      const outcome = reading instanceof Promise ? await reading : reading
      if (outcome.ok) read.push({ name, version, body, value: outcome.value })
      else rejections.push({ name, reason: outcome.error })
      if (outcome.ok) refused.delete(name)
      else refused.set(name, { version, reason: outcome.error })
    }
    for (const resource of read) held.set(resource.name, resource)
    for (const name of removed) {
      held.delete(name)
      refused.delete(name)
      if (type === typeUrl.cluster) this.#removedAtMs.set(name, this.#runtime.clock.nowMs())
    }
    this.#log(type, read, removed, rejections)
    if (type === typeUrl.clusterLoadAssignment) this.#tellEndpoints(read, removed)
    this.#refer()
    this.#settle()
    if (read.length > 0 || removed.length > 0) this.#events.onAccepted()
    return rejections
  }

  #tellEndpoints(read: readonly Accepted<unknown>[], removed: readonly string[]): void {
    for (const { name, value } of read) this.#events.onEndpoints(name, value as EndpointSet)
    for (const name of removed) this.#events.onEndpoints(name, undefined)
  }

  /** Works out which EDS, RDS and SDS names are wanted, drops what nobody wants any more, and tells when they changed. */
  #refer(): void {
    const eds = new Set<string>()
    for (const { value } of this.accepted.clusters.values()) {
      const name = edsNameOf(value)
      if (name !== undefined) eds.add(name)
    }
    const rds = new Set<string>()
    for (const { value } of this.accepted.listeners.values()) for (const name of value.routeConfigNames) rds.add(name)
    for (const name of this.accepted.routeConfigs.keys()) if (!rds.has(name)) this.accepted.routeConfigs.delete(name)
    for (const name of this.accepted.endpoints.keys()) {
      if (eds.has(name)) continue
      this.accepted.endpoints.delete(name)
      this.#events.onEndpoints(name, undefined)
    }
    this.#tellReferences(typeUrl.clusterLoadAssignment, eds)
    this.#tellReferences(typeUrl.routeConfiguration, rds)
    const sds = new Set<string>()
    for (const { value } of this.accepted.clusters.values()) for (const name of value.secretNames) sds.add(name)
    for (const { value } of this.accepted.listeners.values()) for (const name of value.secretNames) sds.add(name)
    this.#tellReferences(typeUrl.secret, sds)
  }

  #tellReferences(type: string, names: ReadonlySet<string>): void {
    const sorted = [...names].sort()
    const key = sorted.join('\n')
    if (this.#references.get(type) === key) return
    this.#references.set(type, key)
    this.#events.onReferences(type, sorted)
  }

  #settle(): void {
    const nowMs = this.#runtime.clock.nowMs()
    const previous = this.active
    const result = settle(this.accepted, previous, {
      hasSecret: (name) => this.#secrets.has(name),
      overdue: (lack) => nowMs - (this.#lackingSinceMs.get(keyOf(lack)) ?? nowMs) >= lack.limitMs,
      removalOverdue: (cluster) => nowMs - (this.#removedAtMs.get(cluster) ?? 0) >= removalGraceMs,
    })
    this.warming = result.warming
    // What is lacking stays known as long as it lacks: once overdue, a resource serves without it until it comes.
    this.#lackingSinceMs = new Map(
      result.lacks.map((lack) => [keyOf(lack), this.#lackingSinceMs.get(keyOf(lack)) ?? nowMs]),
    )
    this.#recheckLater(result, nowMs)
    if (result.config === previous) return
    this.active = result.config
    this.#events.onConfig(result.config, previous)
  }

  /** Arms one timer for the next moment at which waiting ends by itself. */
  #recheckLater({ lingering, lacks }: Pick<WarmingResult, 'lingering' | 'lacks'>, nowMs: number): void {
    this.#recheck?.cancel()
    let dueMs = Number.POSITIVE_INFINITY
    for (const name of lingering) dueMs = Math.min(dueMs, (this.#removedAtMs.get(name) ?? nowMs) + removalGraceMs)
    for (const lack of lacks) {
      const endMs = (this.#lackingSinceMs.get(keyOf(lack)) ?? nowMs) + lack.limitMs
      if (endMs > nowMs) dueMs = Math.min(dueMs, endMs)
    }
    if (dueMs === Number.POSITIVE_INFINITY) return
    this.#recheck = this.#runtime.timers.set(Math.max(1, dueMs - nowMs), () => this.#settle(), { keepAlive: false })
  }

  #log(
    type: string,
    read: readonly Accepted<unknown>[],
    removed: readonly string[],
    rejections: readonly ResourceRejection[],
  ): void {
    const fields = { type: shortTypeName(type), accepted: read.length, removed: removed.length }
    if (rejections.length === 0) this.#runtime.log.debug('configuration update accepted', fields)
    for (const { name, reason } of rejections) {
      this.#runtime.log.warn('configuration resource refused', { ...fields, resource: name, reason })
    }
  }

  #refusedOf(type: string): Map<string, Refusal> {
    const known = this.refused.get(type)
    if (known !== undefined) return known
    const made = new Map<string, Refusal>()
    this.refused.set(type, made)
    return made
  }

  #mapOf(type: string): Map<string, Accepted<unknown>> | undefined {
    switch (type) {
      case typeUrl.listener:
        return this.accepted.listeners
      case typeUrl.routeConfiguration:
        return this.accepted.routeConfigs
      case typeUrl.cluster:
        return this.accepted.clusters
      case typeUrl.clusterLoadAssignment:
        return this.accepted.endpoints
      default:
        return undefined
    }
  }

  #yield(): Promise<void> {
    return new Promise((resolve) => this.#runtime.timers.set(0, resolve))
  }
}

function keyOf({ kind, name, item }: Lack): string {
  return `${kind}\n${name}\n${item}`
}
