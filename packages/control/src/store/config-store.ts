// Keeps the configuration in force: bad versions stay outside, good ones apply at once, deletions wait for their source
// to settle, and all of it outlives a restart.
import { type Logger, type ObjectId, objectKey, type Runtime, type Timer } from '@weft/core'
import {
  Analysis,
  type DataPlane,
  formatProblem,
  type Problem,
  type SourceFile,
  withoutSuppressed,
  type WrittenObject,
} from '@weft/resources'
import { type FileRecord, updateTable } from './file-table.ts'
import { type Accepted, invalidSecurityObjects, merge, type MergeInput, type MergeOutput } from './merge.ts'
import { changedFiles, mergeEdit } from './merge-edit.ts'
import { decodeSaved, encodeSaved } from './saved-state.ts'
import type { StoreState } from './store-state.ts'
import { unnamedObjects } from './unnamed-objects.ts'

const emptyState: StoreState = {
  objects: [],
  problems: [],
  stale: [],
  blocking: [],
  unenforceable: [],
  revision: 0,
}

/** What a store has done, counted since it was made. */
export interface StoreWork {
  /** Objects that were validated. */
  readonly validated: number
  /** Objects whose relations to others were looked at. */
  readonly analysed: number
}

/** Receives every published state. */
export type StoreListener = (state: StoreState) => void

/** The store of one control plane. */
export class ConfigStore {
  readonly #runtime: Pick<Runtime, 'files' | 'timers' | 'clock'>
  readonly #log: Logger
  readonly #stateFile: string
  readonly #dataPlane: DataPlane
  readonly #listeners = new Set<StoreListener>()
  #files: ReadonlyMap<string, FileRecord> = new Map()
  #accepted: ReadonlyMap<string, Accepted> = new Map()
  #denied: ReadonlySet<string> | undefined
  /** What was in force before a restart and was not kept, as long as its file is bad. */
  #withheld: ReadonlyMap<string, string> = new Map()
  #state: StoreState = emptyState
  #deletion: Timer | undefined
  #saved = ''
  #saving: Promise<void> | undefined
  #saveProblem: Problem | undefined
  #merged: { readonly files: ReadonlyMap<string, FileRecord>; readonly output: MergeOutput } | undefined
  readonly #analysis = new Analysis()
  #unnamed: readonly WrittenObject[] = []
  #relations: readonly Problem[] = []
  #work: StoreWork = { validated: 0, analysed: 0 }

  /** `stateFile` is an absolute path, usually `.weft/state/objects.json`; its directory must exist. What `dataPlane` does not enforce is refused. */
  constructor(
    runtime: Pick<Runtime, 'files' | 'timers' | 'clock' | 'log'>,
    stateFile: string,
    dataPlane: DataPlane = 'weft',
  ) {
    this.#dataPlane = dataPlane
    this.#runtime = runtime
    this.#log = runtime.log.child({ component: 'config-store' })
    this.#stateFile = stateFile
  }

  /** The state in force; revision 0 before the first `apply`. */
  get state(): StoreState {
    return this.#state
  }

  /** What was done so far. */
  get work(): StoreWork {
    return this.#work
  }

  /** Calls `listener` with every state published from now on. */
  subscribe(listener: StoreListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Reads the last good versions that an earlier run saved; call it once, before the first `apply`. */
  async load(): Promise<void> {
    try {
      const bytes = await this.#runtime.files.read(this.#stateFile)
      if (bytes === undefined) return
      this.#saved = new TextDecoder().decode(bytes)
      const saved = decodeSaved(this.#saved, this.#dataPlane)
      if (saved === undefined) {
        this.#log.warn('the saved configuration is damaged and ignored', { file: this.#stateFile })
        return
      }
      this.#accepted = saved.accepted
      this.#denied = saved.denied
      this.#withheld = saved.withheld
      // After a restart absence must settle anew: nobody knows how long a file has looked the way it does.
      this.#files = new Map()
    } catch (error) {
      this.#log.warn('cannot read the saved configuration', { file: this.#stateFile, error: String(error) })
    }
  }

  /** Takes the whole set of files of the source. Good changes are published before this returns. */
  apply(files: readonly SourceFile[]): void {
    const nowMs = this.#runtime.clock.nowMs()
    const before = this.#files
    this.#files = updateTable(before, files, this.#accepted, nowMs, this.#dataPlane)
    this.#denied ??= invalidSecurityObjects(this.#files, this.#accepted)
    this.#merge(before)
  }

  /** Looks at what the files say of each other, and of what is in force although no file names it. */
  #analyse(before: ReadonlyMap<string, FileRecord>, merged: MergeOutput): void {
    const unnamed = unnamedObjects(merged, this.#files, this.#dataPlane)
    const edited = sameItems(unnamed, this.#unnamed) ? changedFiles(before, this.#files) : undefined
    this.#unnamed = unnamed
    const versions = edited?.flatMap(([old, now]) => versionsOf(old.parsed?.written, now.parsed?.written))
    const fresh =
      edited?.map(([, now]) => now) ?? [...this.#files.values()].filter((now) => now !== before.get(now.name))
    const validated = fresh.reduce((sum, { parsed }) => sum + (parsed?.validated ?? 0), this.#work.validated)
    const edit = versions?.every((pair) => pair !== undefined) === true ? this.#analysis.edit(versions) : undefined
    const { checked } =
      edit ??
      this.#analysis.update([...[...this.#files.values()].flatMap(({ parsed }) => parsed?.written ?? []), ...unnamed])
    this.#relations = withoutSuppressed(this.#analysis.problems(), this.#analysis.faulty())
    this.#work = { validated, analysed: this.#work.analysed + checked }
  }

  /** Waits until what is in force is on disk (or could not be written). */
  async flush(): Promise<void> {
    while (this.#saving !== undefined) await this.#saving
  }

  /** Stops the timer; `flush` first to keep everything. */
  close(): void {
    this.#deletion?.cancel()
    this.#listeners.clear()
  }

  /** `before`: the files as they were when this was last looked at. */
  #merge(before: ReadonlyMap<string, FileRecord>): void {
    const nowMs = this.#runtime.clock.nowMs()
    const denied = this.#denied ?? new Set<string>()
    const input: MergeInput = { files: this.#files, accepted: this.#accepted, denied, withheld: this.#withheld, nowMs }
    const merged = (this.#merged && mergeEdit(input, this.#merged)) ?? merge(input)
    this.#withheld = merged.withheld
    this.#accepted = merged.accepted
    this.#merged = { files: input.files, output: merged }
    this.#analyse(before, merged)
    this.#deletion?.cancel()
    if (merged.dueAtMs !== undefined) {
      const waitMs = Math.max(1, Math.ceil(merged.dueAtMs - nowMs))
      this.#deletion = this.#runtime.timers.set(waitMs, () => this.#merge(this.#files))
    }
    this.#publish()
    this.#save()
  }

  #publish(): void {
    const merged = this.#merged?.output
    if (merged === undefined) return
    const { objects, stale, blocking, unenforceable } = merged
    const problems = this.#saveProblem === undefined ? merged.problems : [this.#saveProblem, ...merged.problems]
    const old = this.#state
    const relations = this.#relations
    const next = { objects, problems, stale, blocking, unenforceable, relations, revision: old.revision + 1 }
    if (old.revision > 0 && sameState(old, next)) return
    this.#state = next
    this.#logNew(problems, old.problems)
    for (const listener of this.#listeners) listener(next)
  }

  /** Most findings are the very ones of the last state; only others are put into words. */
  #logNew(problems: readonly Problem[], before: readonly Problem[]): void {
    const known = new Set(before)
    const fresh = problems.filter((problem) => !known.has(problem))
    if (fresh.length === 0) return
    const now = new Set(problems)
    const gone = new Set(before.filter((problem) => !now.has(problem)).map(formatProblem))
    for (const line of new Set(fresh.map(formatProblem))) {
      if (!gone.has(line)) this.#log.warn('configuration problem', { problem: line })
    }
  }

  /** One write at a time; what changed meanwhile is written next. */
  #save(): void {
    if (this.#saving !== undefined) return
    const keysOf = (list: readonly { readonly id: ObjectId }[] = []): Set<string> =>
      new Set(list.map(({ id }) => objectKey(id)))
    const { unenforceable, stale } = this.#merged?.output ?? {}
    const text = encodeSaved({
      accepted: this.#accepted,
      denied: keysOf(unenforceable),
      withheld: this.#withheld,
      stale: keysOf(stale),
    })
    if (text === this.#saved) return
    this.#saving = this.#write(text).then((written) => {
      this.#saving = undefined
      if (written) this.#save()
    })
  }

  async #write(text: string): Promise<boolean> {
    const { files } = this.#runtime
    const result = await files.writeAtomic(this.#stateFile, new TextEncoder().encode(text), 0o600)
    const before = this.#saveProblem?.message
    if (result.ok) this.#saved = text
    this.#saveProblem = result.ok ? undefined : notSaved(this.#stateFile, result.error)
    if (this.#saveProblem?.message !== before) this.#publish()
    // A full disk is tried again with the next change.
    return result.ok
  }
}

/** Both versions of each object; undefined among them when there are not the same objects in the same order. */
function versionsOf(
  before: readonly WrittenObject[] = [],
  after: readonly WrittenObject[] = [],
): (readonly [WrittenObject, WrittenObject] | undefined)[] {
  if (before.length !== after.length) return [undefined]
  return after.map((object, index) => {
    const old = before[index]
    return old?.key === object.key ? [old, object] : undefined
  })
}

function notSaved(file: string, error: string): Problem {
  return {
    severity: 'warning',
    code: 'state-not-saved',
    message: `the last good configuration cannot be saved in ${file} (${error}); serving goes on`,
    position: undefined,
    objectId: undefined,
    field: '',
    mend: 'Make room on the disk, or make the directory writable.',
  }
}

function sameState(a: StoreState, b: StoreState): boolean {
  if (!sameItems(a.objects, b.objects)) return false
  if (!sameProblems(a.problems, b.problems) || !sameProblems(a.relations ?? [], b.relations ?? [])) return false
  return JSON.stringify(others(a)) === JSON.stringify(others(b))
}

function sameProblems(a: readonly Problem[], b: readonly Problem[]): boolean {
  return sameItems(a, b) || JSON.stringify(a) === JSON.stringify(b)
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i])
}

function others({ stale, blocking, unenforceable }: StoreState): unknown {
  return [stale, blocking, unenforceable]
}
