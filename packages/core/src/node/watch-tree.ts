import { type FSWatcher, readdirSync, watch } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Changes closer together than this are told as one, milliseconds. */
const coalesceMs = 5

/** How long to wait before looking again for a directory that is not there, milliseconds. */
const missingRetryMs = 250

/**
 * Calls back when something below `dir` may have changed. Watches directories, never files, so that rename(2) over a
 * file is seen and does not end the watch; also the parent, so that a directory replaced as a whole is picked up again.
 */
export function watchTree(dir: string, onChange: () => void): { close(): void } {
  const tree = new TreeWatcher(dir, onChange)
  tree.scan()
  return tree
}

class TreeWatcher {
  readonly #dir: string
  readonly #onChange: () => void
  readonly #watchers = new Map<string, FSWatcher>()
  #parent: FSWatcher | undefined
  #pending: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  #closed = false

  constructor(dir: string, onChange: () => void) {
    this.#dir = dir
    this.#onChange = onChange
  }

  /** Brings the set of watched directories up to date. */
  scan(): void {
    if (this.#closed) return
    this.#parent ??= this.#watch(dirname(this.#dir), (name) => {
      if (name !== basename(this.#dir)) return
      // The directory itself was replaced: the old watchers follow the old inode.
      this.#dropAll()
      this.#changed()
    })
    const wanted = new Set(directoriesBelow(this.#dir))
    for (const [path, watcher] of this.#watchers) {
      if (wanted.has(path)) continue
      watcher.close()
      this.#watchers.delete(path)
    }
    for (const path of wanted) {
      if (this.#watchers.has(path)) continue
      const watcher = this.#watch(path, () => this.#changed())
      if (watcher !== undefined) this.#watchers.set(path, watcher)
    }
    if (wanted.size === 0 || this.#parent === undefined) this.#scanLater()
  }

  close(): void {
    this.#closed = true
    this.#dropAll()
    this.#parent?.close()
    clearTimeout(this.#pending)
    clearTimeout(this.#retry)
  }

  #watch(path: string, onEvent: (name: string | null) => void): FSWatcher | undefined {
    try {
      const watcher = watch(path, (_event, name) => onEvent(name))
      watcher.on('error', () => {
        watcher.close()
        this.#watchers.delete(path)
        if (this.#parent === watcher) this.#parent = undefined
        this.#changed()
      })
      return watcher
    } catch {
      return undefined
    }
  }

  #changed(): void {
    if (this.#closed || this.#pending !== undefined) return
    this.#pending = setTimeout(() => {
      this.#pending = undefined
      this.scan()
      this.#onChange()
    }, coalesceMs)
  }

  #scanLater(): void {
    if (this.#retry !== undefined) return
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      const before = this.#watchers.size
      this.scan()
      if (this.#watchers.size !== before) this.#changed()
    }, missingRetryMs)
    this.#retry.unref()
  }

  #dropAll(): void {
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }
}

function directoriesBelow(dir: string): string[] {
  try {
    const entries = readdirSync(dir, { withFileTypes: true, recursive: true })
    const below = entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
    return [dir, ...below]
  } catch {
    return []
  }
}
