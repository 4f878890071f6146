// A directory of configuration files, watched. Emits the whole set whenever some file's bytes, or the set, changed.
import type { Runtime, Timer } from '@weft/core'
import {
  decodeFile,
  type FilesIn,
  findMeshRoot,
  type MeshRoot,
  meshRootIn,
  type ReadFile,
  readMeshRoot,
  rootItself,
  type SourceFile,
} from '@weft/resources'

/** How often the directory is read without being told of a change: some file systems tell nothing. Milliseconds. */
const rescanMs = 2000

const lostMend = 'Put the directory back, readable; it is followed again at once.'

/** Options of a file source. */
export interface FileSourceOptions {
  /** Absolute path of the directory the user gave. */
  readonly dir: string
  /**
   * Where below `dir` the files lay when somebody started on them; found out unless given. Where nothing can be read there, what was in
   * force goes on: nothing else in `dir` was ever configuration.
   */
  readonly filesIn?: FilesIn | undefined
  readonly onFiles: (files: readonly SourceFile[]) => void
}

/** Watches the configuration files below a directory. */
export class FileSource {
  readonly #runtime: Pick<Runtime, 'files' | 'timers'>
  readonly #options: FileSourceOptions
  #root: MeshRoot | undefined
  #watch: { close(): void } | undefined
  #rescan: Timer | undefined
  #held = new Map<string, { readonly read: ReadFile; readonly snapshot: SourceFile }>()
  /** Why the directory cannot be read now. */
  #lost: string | undefined
  #reading = false
  #again = false
  #closed = false

  constructor(runtime: Pick<Runtime, 'files' | 'timers'>, options: FileSourceOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /** Where the files lie, once it was started. */
  get filesIn(): FilesIn {
    return (this.#root as MeshRoot).filesIn
  }

  /** Reads everything once and emits it, then watches. Throws when it is the first to look for the files and the directory cannot be read. */
  async start(): Promise<void> {
    const { files } = this.#runtime
    const { dir, filesIn } = this.#options
    this.#root = filesIn === undefined ? await findMeshRoot(files, dir) : meshRootIn(dir, filesIn)
    // Watching begins before reading, so that no change falls between the two.
    this.#watch = files.watch(this.#root.path, () => void this.#read(false))
    await this.#read(true)
    this.#scheduleRescan()
  }

  /** Stops watching; nothing is emitted afterwards. */
  close(): void {
    this.#closed = true
    this.#watch?.close()
    this.#rescan?.cancel()
  }

  #scheduleRescan(): void {
    if (this.#closed) return
    this.#rescan = this.#runtime.timers.set(rescanMs, () => void this.#read(false).then(() => this.#scheduleRescan()), {
      keepAlive: false,
    })
  }

  /** One reading at a time; a change told meanwhile leads to another one. */
  async #read(first: boolean): Promise<void> {
    if (this.#reading) {
      this.#again = true
      return
    }
    this.#reading = true
    let emit = first
    do {
      this.#again = false
      const found = await this.#list()
      if (typeof found === 'string' && first && this.#options.filesIn === undefined) {
        this.close()
        throw new Error(found)
      }
      if (typeof found === 'string' ? this.#lose(found) : this.#take(found)) emit = true
      if (emit && !this.#closed) this.#emit()
      emit = false
    } while (this.#again && !this.#closed)
    this.#reading = false
  }

  /** What is in the directory, or why nobody knows. */
  async #list(): Promise<readonly ReadFile[] | string> {
    const root = this.#root as MeshRoot
    try {
      return (await readMeshRoot(this.#runtime.files, root)) ?? `the configuration directory ${root.path} is gone`
    } catch (error) {
      return `the configuration directory cannot be listed: ${(error as Error).message}`
    }
  }

  #emit(): void {
    const files = Array.from(this.#held.values(), ({ snapshot }) => snapshot)
    if (this.#lost === undefined) this.#options.onFiles(files)
    // Told like a file that cannot be read, in the directory's own name.
    else this.#options.onFiles([...files, { name: rootItself, text: '', unreadable: this.#lost, mend: lostMend }])
  }

  /** Nobody knows what is in the directory now: what was there stays, since none of it was deleted. True when that is news. */
  #lose(why: string): boolean {
    const known = this.#lost
    this.#lost = `${why}; what was read before stays in force`
    return this.#lost !== known
  }

  /** Replaces the held set; true when anything differs. Unchanged files keep their snapshot (and so their parse). */
  #take(read: readonly ReadFile[]): boolean {
    let changed = read.length !== this.#held.size || this.#lost !== undefined
    this.#lost = undefined
    const next = new Map<string, { read: ReadFile; snapshot: SourceFile }>()
    for (const file of read) {
      const held = this.#held.get(file.name)
      if (held !== undefined && sameContent(held.read, file)) next.set(file.name, held)
      else {
        changed = true
        next.set(file.name, { read: file, snapshot: decodeFile(file) })
      }
    }
    this.#held = next
    return changed
  }
}

function sameContent(a: ReadFile, b: ReadFile): boolean {
  if (a.bytes === undefined || b.bytes === undefined) return a.bytes === b.bytes && a.error === b.error
  return a.bytes.length === b.bytes.length && Buffer.compare(a.bytes, b.bytes) === 0
}
