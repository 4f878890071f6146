// Decides, object by object, which version is in force. Pure: files and what was accepted before in, a new state out.
import { idOfKey, type ObjectId, objectKey } from '@weft/core'
import {
  byPlace,
  Claims,
  duplicateObject,
  type MeshObject,
  type ParsedFile,
  type ParsedObject,
  type Problem,
  rootItself,
} from '@weft/resources'
import type { FileRecord } from './file-table.ts'
import type { StaleObject, UnenforceablePolicy } from './store-state.ts'

/** An object in force, and the text it came from (which is what is saved). */
export interface Accepted {
  readonly object: MeshObject
  readonly source: ParsedObject['source']
}

/** How long a source must stay unchanged before the absence of an object deletes it, milliseconds. */
const settleMs = 100

/** What `merge` decides from. */
export interface MergeInput {
  readonly files: ReadonlyMap<string, FileRecord>
  /** In the order of their keys. */
  readonly accepted: ReadonlyMap<string, Accepted>
  /** Keys of security objects that were invalid when the store started. */
  readonly denied: ReadonlySet<string>
  /** By key the files of objects that were in force before a restart and are nowhere kept: Secrets, and what stood beside them. */
  readonly withheld: ReadonlyMap<string, string>
  readonly nowMs: number
}

/** What `merge` decides. */
export interface MergeOutput {
  /** In the order of their keys. */
  readonly accepted: ReadonlyMap<string, Accepted>
  readonly objects: readonly MeshObject[]
  readonly problems: readonly Problem[]
  readonly stale: readonly StaleObject[]
  readonly blocking: readonly Problem[]
  readonly unenforceable: readonly UnenforceablePolicy[]
  /** Of those in the input: what still waits for its file to be mended. */
  readonly withheld: ReadonlyMap<string, string>
  /** When a deletion that waits for its source to settle falls due; undefined when none waits. */
  readonly dueAtMs: number | undefined
}

/** One merge: see the rules in the design, section 4. */
export function merge(input: MergeInput): MergeOutput {
  const merging = new Merging(input)
  merging.choose()
  merging.keepAbsent()
  merging.missWithheld()
  merging.settleClaims()
  return merging.finish()
}

interface Kept extends Accepted {
  /** Why the newer version is not in force; undefined while a deletion waits. */
  readonly reason: string | undefined
}

class Merging {
  readonly #input: MergeInput
  /** Set while nobody knows which files there are: what is not named may well be there. */
  readonly #unknown: ParsedFile | undefined
  readonly #chosen = new Map<string, ParsedObject>()
  readonly #fresh = new Map<string, Accepted>()
  readonly #kept = new Map<string, Kept>()
  readonly #problems: Problem[] = []
  readonly #blocking: Problem[] = []
  readonly #stale: StaleObject[] = []
  readonly #inForce = new Map<string, Accepted>()
  readonly #withheld = new Map<string, string>()
  #dueAtMs: number | undefined

  constructor(input: MergeInput) {
    this.#input = input
    this.#unknown = input.files.get(rootItself)?.parsed
  }

  /** Of each object the files name: the definition that counts, and whether it can be used. */
  choose(): void {
    for (const { parsed } of this.#input.files.values()) {
      this.#problems.push(...(parsed?.problems ?? []))
      for (const candidate of parsed?.objects ?? []) this.#consider(candidate)
    }
    for (const [key, candidate] of this.#chosen) {
      const { object, source } = candidate
      const old = this.#input.accepted.get(key)
      if (object !== undefined) this.#fresh.set(key, old && sameText(old, candidate) ? old : { object, source })
      else if (old !== undefined) this.#kept.set(key, { ...old, reason: firstError(candidate) })
      else this.#blocking.push(...candidate.problems.filter(isError))
    }
  }

  #consider(candidate: ParsedObject): void {
    const id = candidate.id as ObjectId
    const key = candidate.key as string
    const rival = this.#chosen.get(key)
    if (rival === undefined) {
      this.#chosen.set(key, candidate)
      return
    }
    // The definition in force wins over a newcomer, whichever comes first by name.
    const home = this.#input.accepted.get(key)?.source.file ?? this.#input.withheld.get(key)
    const newcomer = candidate.source.file === home && rival.source.file !== home ? rival : candidate
    const winner = newcomer === rival ? candidate : rival
    this.#chosen.set(key, winner)
    const problem = { ...duplicateObject(id, undefined, winner.position), position: newcomer.position }
    this.#problems.push(problem)
    // Nobody knows which of the two is meant, and the other may be what denies.
    if (home === undefined && isSecurityKey(key)) this.#blocking.push(problem)
  }

  /** Objects in force that no file names any more: kept while their source, or what it lay in, is unreadable or has not settled. */
  keepAbsent(): void {
    for (const [key, old] of this.#input.accepted) {
      if (this.#chosen.has(key)) continue
      const file = this.#input.files.get(old.source.file)
      const parsed = file?.parsed ?? this.#lostAbove(old.source.file)
      if (parsed !== undefined && !parsed.whole) {
        this.#kept.set(key, { ...old, reason: reasonOf(parsed) })
        continue
      }
      const due = (file?.changedAtMs ?? this.#input.nowMs) + settleMs
      if (file !== undefined && due <= this.#input.nowMs) continue
      this.#kept.set(key, { ...old, reason: undefined })
      this.#dueAtMs = Math.min(this.#dueAtMs ?? due, due)
    }
  }

  /** The directory that a file lay in, when nobody knows what it holds: the mesh root, or a link to what is not there. */
  #lostAbove(name: string): ParsedFile | undefined {
    for (let end = name.lastIndexOf('/'); end > 0; end = name.lastIndexOf('/', end - 1)) {
      const parsed = this.#input.files.get(name.slice(0, end))?.parsed
      if (parsed !== undefined) return parsed
    }
    return this.#unknown
  }

  /** Objects that were in force before a restart, whose files are bad now and whose last good version nobody kept. */
  missWithheld(): void {
    for (const [key, name] of this.#input.withheld) {
      if (this.#input.accepted.has(key) || this.#fresh.has(key)) continue
      const candidate = this.#chosen.get(key)
      const parsed = this.#input.files.get(name)?.parsed ?? this.#lostAbove(name)
      if (candidate === undefined && (parsed === undefined || parsed.whole)) continue
      this.#withheld.set(key, name)
      const position = candidate?.position ?? { file: name, line: 1, column: 1 }
      const problem = notKept(key, position, candidate?.id)
      this.#problems.push(problem)
      this.#blocking.push(problem)
    }
  }

  /** Who may have a host: first what is in force unchanged, then what is kept, then what is new, each by key. */
  settleClaims(): void {
    const claims = new Claims()
    const changed: [string, Accepted][] = []
    for (const [key, each] of this.#fresh) {
      if (this.#input.accepted.get(key)?.object.hash === each.object.hash) this.#admit(key, each, claims)
      else changed.push([key, each])
    }
    for (const [key, each] of this.#kept) {
      this.#admit(key, each, claims)
      if (each.reason !== undefined) this.#stale.push({ id: each.object.id, reason: each.reason })
    }
    // By key, so that it does not matter in which file a claim stands.
    changed.sort(([a], [b]) => (a < b ? -1 : 1))
    for (const [key, each] of changed) this.#admit(key, each, claims)
  }

  #admit(key: string, candidate: Accepted, claims: Claims): void {
    const conflicts = claims.claim(candidate.object)
    if (conflicts.length === 0) {
      this.#inForce.set(key, candidate)
      return
    }
    const old = this.#input.accepted.get(key)
    const fallsBack = old !== undefined && old.object !== candidate.object && claims.claim(old.object).length === 0
    if (fallsBack) this.#inForce.set(key, old)
    // A host whose former owner is about to go is free in a moment: no reason to alarm anyone.
    const waiting = conflicts.every(({ owner }) => this.#leaving(objectKey(owner)))
    if (waiting) return
    const problems = conflicts.map(({ problem }) => problem)
    this.#problems.push(...problems)
    if (fallsBack) this.#stale.push({ id: old.object.id, reason: lineOf(problems[0] as Problem) })
    else this.#blocking.push(...problems)
  }

  #leaving(key: string): boolean {
    const kept = this.#kept.get(key)
    return kept !== undefined && kept.reason === undefined
  }

  finish(): MergeOutput {
    const serving = new Set([...this.#kept.values()].map(({ source }) => source.file))
    for (const { parsed, name } of this.#input.files.values()) {
      if (serving.has(name)) continue
      this.#blocking.push(...(parsed?.problems ?? []).filter((each) => isError(each) && each.objectId === undefined))
    }
    const accepted = this.#sorted()
    return {
      accepted,
      objects: Array.from(accepted.values(), ({ object }) => object),
      problems: this.#problems.sort(byPlace),
      stale: this.#stale.sort((a, b) => (objectKey(a.id) < objectKey(b.id) ? -1 : 1)),
      blocking: this.#blocking.sort(byPlace),
      unenforceable: this.#unenforceable(),
      withheld: this.#withheld,
      dueAtMs: this.#dueAtMs,
    }
  }

  /** What is in force by key. What was in force before is in order already. */
  #sorted(): Map<string, Accepted> {
    const added = [...this.#inForce.keys()].filter((key) => !this.#input.accepted.has(key)).sort()
    const sorted = new Map<string, Accepted>()
    let next = 0
    const take = (key: string): void => {
      const each = this.#inForce.get(key)
      if (each !== undefined) sorted.set(key, each)
    }
    for (const key of this.#input.accepted.keys()) {
      for (; next < added.length && (added[next] as string) < key; next++) take(added[next] as string)
      take(key)
    }
    for (; next < added.length; next++) take(added[next] as string)
    return sorted
  }

  #unenforceable(): UnenforceablePolicy[] {
    const policies: UnenforceablePolicy[] = []
    for (const key of this.#input.denied) {
      const candidate = this.#chosen.get(key)
      if (this.#inForce.has(key)) continue
      if (candidate === undefined && this.#unknown !== undefined) {
        // Whom it selects is written where nobody can read it.
        policies.push({ id: idOfKey(key), selector: undefined, reason: reasonOf(this.#unknown) })
      }
      if (candidate === undefined || candidate.object !== undefined) continue
      const { id, selector } = candidate
      policies.push({ id: id as ObjectId, selector, reason: firstError(candidate) })
    }
    return policies
  }
}

/** Whether an object of this key restricts what may be reached: losing it would open something. */
export function isSecurityKey(key: string): boolean {
  return key.startsWith('security.istio.io/') || key.startsWith('access.smi-spec.io/')
}

/** Keys of the security objects among the candidates that are invalid and were never accepted. */
export function invalidSecurityObjects(
  files: ReadonlyMap<string, FileRecord>,
  accepted: ReadonlyMap<string, Accepted>,
): Set<string> {
  const keys = new Set<string>()
  for (const { parsed } of files.values()) {
    for (const { id, object } of parsed?.objects ?? []) {
      if (id === undefined || object !== undefined) continue
      const key = objectKey(id)
      if (isSecurityKey(key) && !accepted.has(key)) keys.add(key)
    }
  }
  return keys
}

function notKept(key: string, position: Problem['position'], objectId: ObjectId | undefined): Problem {
  return {
    severity: 'error',
    code: 'last-version-not-kept',
    message: `${key} was in force before the restart and is not any more: a Secret that lies in its own file is not kept elsewhere, and that file has gone bad since`,
    position,
    objectId,
    field: '',
    mend: 'Correct the file; it applies at once.',
  }
}

/** Whether a candidate is what is in force, at the same place. */
export function sameText(old: Accepted, candidate: ParsedObject): boolean {
  const { file, firstLine, text } = candidate.source
  const same = old.source.file === file && old.source.firstLine === firstLine && old.source.text === text
  return same && old.object.hash === candidate.object?.hash
}

/** Why what lay in a file, or a directory, is not read from there now. */
function reasonOf({ problems }: ParsedFile): string {
  const [first] = problems.some(isError) ? problems.filter(isError) : problems
  return first === undefined ? 'its file holds nothing' : lineOf(first)
}

function firstError(candidate: ParsedObject): string {
  const [first] = candidate.problems.filter(isError)
  return first === undefined ? 'it is invalid' : lineOf(first)
}

function lineOf({ position, field, message }: Problem): string {
  const at = position === undefined ? '' : `${position.file}:${position.line}: `
  return `${at}${field === '' ? '' : `${field}: `}${message}`
}

function isError(problem: Problem): boolean {
  return problem.severity === 'error'
}
