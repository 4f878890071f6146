// The registry: which instances there are, where, and whether they may take traffic. One file, replaced as a whole; the
// control plane watches it.
import { rename, writeFile } from 'node:fs/promises'
import type { InstanceRegistry, WorkloadInstance } from '@weft/resources'

/** Keeps the file equal to the instances in memory. */
export class Registry {
  readonly #file: string
  readonly #onError: (message: string) => void
  #instances: readonly WorkloadInstance[]
  #writing: Promise<void> | undefined
  #dirty = false
  /** What was told, until the file is written again. */
  #told: string | undefined
  #retry: NodeJS.Timeout | undefined

  constructor(file: string, instances: readonly WorkloadInstance[], onError: (message: string) => void) {
    this.#file = file
    this.#instances = instances
    this.#onError = onError
  }

  get instances(): readonly WorkloadInstance[] {
    return this.#instances
  }

  /** Replaces the instances; resolves once the file holds them. */
  async set(instances: readonly WorkloadInstance[]): Promise<void> {
    this.#instances = instances
    this.#dirty = true
    this.#writing ??= this.#write()
    await this.#writing
  }

  /** Changes one instance, by `namespace/name`. */
  patch(key: string, change: Partial<Pick<WorkloadInstance, 'ready' | 'draining'>>): Promise<void> {
    return this.set(
      this.#instances.map((instance) => (instanceKey(instance) === key ? { ...instance, ...change } : instance)),
    )
  }

  /** The first write; its failure (a full disk) is the caller's. */
  async create(): Promise<string | undefined> {
    try {
      await this.#replace()
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }

  async #write(): Promise<void> {
    // Changes of one turn of the event loop make one write.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#dirty) {
      this.#dirty = false
      try {
        await this.#replace()
        this.#told = undefined
      } catch (error) {
        const problem = `cannot write ${this.#file}: ${(error as Error).message}; the mesh goes on with the last one`
        if (problem !== this.#told) this.#onError(problem)
        this.#told = problem
        // Endpoints must not stay wrong for longer than the disk stays full.
        clearTimeout(this.#retry)
        this.#retry = setTimeout(() => void this.set(this.#instances), 1_000).unref()
      }
    }
    this.#writing = undefined
  }

  async #replace(): Promise<void> {
    const content: InstanceRegistry = { instances: this.#instances }
    const beside = `${this.#file}.next`
    await writeFile(beside, JSON.stringify(content), { mode: 0o600 })
    await rename(beside, this.#file)
  }
}

/** `namespace/name`. */
export function instanceKey(instance: Pick<WorkloadInstance, 'namespace' | 'name'>): string {
  return `${instance.namespace}/${instance.name}`
}
