import type { Files, Timer, Timers } from '@weft/core'

interface Watch {
  readonly dir: string
  readonly onChange: () => void
  pending: Timer | undefined
}

/** Files in memory, with faults: a full disk (`full`), and a limit in bytes. */
export class MemoryFiles implements Files {
  /** When true every write fails with ENOSPC, as a full tmpfs does. */
  full = false
  readonly content = new Map<string, Uint8Array>()
  readonly #watches = new Set<Watch>()
  readonly #timers: Timers

  constructor(timers: Timers) {
    this.#timers = timers
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    return this.content.get(path)?.slice()
  }

  async writeAtomic(path: string, bytes: Uint8Array): Promise<{ ok: true } | { ok: false; error: string }> {
    if (this.full) return { ok: false, error: `ENOSPC: no space left on device, write '${path}'` }
    this.content.set(path, bytes.slice())
    this.#changed(path)
    return { ok: true }
  }

  async list(dir: string): Promise<readonly string[]> {
    const prefix = dir.endsWith('/') ? dir : `${dir}/`
    const names: string[] = []
    for (const path of this.content.keys()) if (path.startsWith(prefix)) names.push(path.slice(prefix.length))
    return names.sort()
  }

  async remove(path: string): Promise<void> {
    if (this.content.delete(path)) this.#changed(path)
  }

  watch(dir: string, onChange: () => void): { close(): void } {
    const watch: Watch = { dir: dir.endsWith('/') ? dir : `${dir}/`, onChange, pending: undefined }
    this.#watches.add(watch)
    return {
      close: () => {
        watch.pending?.cancel()
        this.#watches.delete(watch)
      },
    }
  }

  #changed(path: string): void {
    for (const watch of this.#watches) {
      if (!path.startsWith(watch.dir) || watch.pending !== undefined) continue
      watch.pending = this.#timers.set(0, () => {
        watch.pending = undefined
        watch.onChange()
      })
    }
  }
}
