// The registry of running instances, written by the supervisor and watched here. A damaged file changes nothing.
import type { Logger, Runtime } from '@weft/core'
import { parseRegistry, type WorkloadInstance } from '@weft/resources'

/** Options of a registry source. */
export interface RegistrySourceOptions {
  /** Absolute path of the directory that holds `instances.json`. */
  readonly dir: string
  /** Called with every registry that differs from the one before; first with what is there at the start, maybe nothing. */
  readonly onInstances: (instances: readonly WorkloadInstance[]) => void
}

/** Watches `instances.json`. */
export class RegistrySource {
  readonly #runtime: Pick<Runtime, 'files'>
  readonly #options: RegistrySourceOptions
  readonly #log: Logger
  #watch: { close(): void } | undefined
  #text: string | undefined
  #reading: Promise<void> | undefined
  #again = false
  #closed = false

  constructor(runtime: Pick<Runtime, 'files' | 'log'>, options: RegistrySourceOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#log = runtime.log.child({ component: 'registry-source' })
  }

  /** Reads once and emits, then watches. */
  async start(): Promise<void> {
    this.#watch = this.#runtime.files.watch(this.#options.dir, () => void this.refresh())
    await this.refresh()
    if (this.#text === undefined) this.#options.onInstances([])
  }

  /** Stops watching; nothing is emitted afterwards. */
  close(): void {
    this.#closed = true
    this.#watch?.close()
  }

  /** Reads what is there now, without waiting for the watch to tell. */
  refresh(): Promise<void> {
    this.#again = true
    this.#reading ??= this.#read()
    return this.#reading
  }

  async #read(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false
      try {
        const bytes = await this.#runtime.files.read(`${this.#options.dir}/instances.json`)
        if (bytes !== undefined && !this.#closed) this.#take(new TextDecoder().decode(bytes))
      } catch (error) {
        this.#log.warn('cannot read the registry', { error: String(error) })
      }
    }
    this.#reading = undefined
  }

  #take(text: string): void {
    if (text === this.#text) return
    const registry = parseRegistry(text)
    if (!registry.ok) {
      this.#log.warn('the registry is damaged and ignored', { error: registry.error })
      return
    }
    this.#text = text
    this.#options.onInstances(registry.value.instances)
  }
}
