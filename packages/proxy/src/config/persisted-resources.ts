import { concatenated, type Runtime, type Timer } from '@weft/core'
import { pushOrder, tryRead, typeUrl } from '@weft/xds'
import { newDeltaDiscoveryResponse, readDeltaDiscoveryResponse, writeDeltaDiscoveryResponse } from '@weft/xds/lean'
import type { ResourceUpdate } from '../xds/subscription.ts'
import type { ConfigStore } from './config-store.ts'

/** Changes are collected this long before they are written. */
const writeDelayMs = 100
/** After a failed write the next try comes this much later. */
const retryDelayMs = 10_000

/** Types that are kept: never secrets. */
const keptTypes = pushOrder.filter((type) => type !== typeUrl.secret)

/**
 * Keeps the accepted resources of one proxy in one file (one frame per type: four bytes of length, then a
 * DeltaDiscoveryResponse), so that its next generation serves its last accepted configuration before, or without, a
 * control plane. A disk that takes no more is reported and tried again; serving goes on.
 */
export class PersistedResources {
  /** Why the last write failed; undefined when it did not. */
  error: string | undefined
  readonly #runtime: Pick<Runtime, 'files' | 'timers' | 'log'>
  readonly #path: string
  #timer: Timer | undefined
  #writing = false
  #dirty = false
  #closed = false

  constructor(runtime: Pick<Runtime, 'files' | 'timers' | 'log'>, path: string) {
    this.#runtime = runtime
    this.#path = path
  }

  /** Applies what an earlier generation accepted; the number of resources that were taken. */
  async load(store: ConfigStore): Promise<number> {
    const bytes = await this.#runtime.files.read(this.#path)
    if (bytes === undefined) return 0
    let taken = 0
    for (const frame of frames(bytes)) {
      const read = tryRead(readDeltaDiscoveryResponse, frame)
      if (!read.ok) {
        this.#runtime.log.warn('kept configuration is unreadable and is ignored', { path: this.#path })
        return taken
      }
      const updates: ResourceUpdate[] = read.value.resources.flatMap(({ name, version, resource }) =>
        resource === undefined ? [] : [{ name, version, value: resource.value }],
      )
      const refused = await store.onUpdate(read.value.typeUrl, updates, [])
      taken += updates.length - refused.length
    }
    return taken
  }

  /** Something changed: writes soon. */
  schedule(store: ConfigStore, delayMs = writeDelayMs): void {
    this.#dirty = true
    if (this.#timer !== undefined || this.#writing || this.#closed) return
    this.#timer = this.#runtime.timers.set(
      delayMs,
      () => {
        this.#timer = undefined
        void this.#write(store)
      },
      { keepAlive: false },
    )
  }

  /** Writes what is waiting, at once; the last act of a proxy that is told to go. */
  async close(store: ConfigStore): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    if (this.#dirty && !this.#writing) await this.#write(store)
  }

  /** Writes no more: another process keeps the file from now on. */
  abandon(): void {
    this.#closed = true
    this.#dirty = false
    this.#timer?.cancel()
  }

  async #write(store: ConfigStore): Promise<void> {
    this.#writing = true
    this.#dirty = false
    const outcome = await this.#runtime.files.writeAtomic(this.#path, encode(store), 0o600)
    this.#writing = false
    const error = outcome.ok ? undefined : outcome.error
    if (error !== undefined && error !== this.error) {
      this.#runtime.log.error('accepted configuration cannot be kept; serving goes on', { path: this.#path, error })
    } else if (error === undefined && this.error !== undefined) {
      this.#runtime.log.info('accepted configuration is kept again', { path: this.#path })
    }
    this.error = error
    if (error !== undefined) this.schedule(store, retryDelayMs)
    else if (this.#dirty) this.schedule(store)
  }
}

function encode(store: ConfigStore): Uint8Array {
  const parts: Uint8Array[] = []
  for (const type of keptTypes) {
    const resources = store.resourcesOf(type).map(({ name, version, value }) => ({
      name,
      version,
      aliases: [],
      resource: { typeUrl: type, value },
    }))
    const body = writeDeltaDiscoveryResponse(newDeltaDiscoveryResponse({ typeUrl: type, resources }))
    const length = new Uint8Array(4)
    new DataView(length.buffer).setUint32(0, body.length)
    parts.push(length, body)
  }
  return concatenated(parts)
}

function* frames(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = view.getUint32(at)
    yield bytes.subarray(at + 4, at + 4 + length)
    at += 4 + length
  }
}
