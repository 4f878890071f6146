// The findings of a whole mesh, kept up to date: a change runs again only the checks of the objects that changed and of those that
// asked about them.
import { objectKey } from '@weft/core'
import type { Problem } from '../mesh-object.ts'
import { byPlace } from '../parse/parse-file.ts'
import type { Check, Fault } from './check.ts'
import { checks as allChecks } from './checks/index.ts'
import { codes } from './codes.ts'
import { MeshView, type Surroundings } from './mesh-view.ts'
import { TopicIndex } from './topic-index.ts'
import { fullKind, type WrittenObject } from './written-object.ts'

interface Found {
  readonly faults: readonly Fault[]
  readonly asked: ReadonlySet<string>
  readonly askedAny: ReadonlySet<string>
  /** The faults with the places of this very object. */
  placed?: { readonly of: WrittenObject; readonly problems: readonly Problem[] }
}

/** What an update did. */
export interface AnalysisWork {
  /** Objects whose content is new or gone. */
  readonly changed: number
  /** Objects that were checked. */
  readonly checked: number
}

/** How to analyse. */
export interface AnalysisOptions extends Surroundings {
  /** The checks to run; all of them when left out. */
  readonly checks?: readonly Check[]
}

/** Analysis of one mesh over time. */
export class Analysis {
  readonly #checks: ReadonlyMap<string, readonly Check[]>
  readonly #everyKind: readonly Check[]
  readonly #surroundings: Surroundings
  readonly #index = new TopicIndex()
  readonly #found = new Map<string, Found>()
  readonly #askers = new Map<string, Set<string>>()
  /** Keys of objects with faults. */
  readonly #faulty = new Set<string>()
  #objects = new Map<string, WrittenObject>()

  constructor({ checks = allChecks, ...surroundings }: AnalysisOptions = {}) {
    this.#surroundings = surroundings
    this.#everyKind = checks.filter(({ kinds }) => kinds.includes('*'))
    const byKind = new Map<string, Check[]>()
    for (const check of checks) {
      for (const kind of check.kinds) byKind.set(kind, [...(byKind.get(kind) ?? []), check])
    }
    this.#checks = byKind
  }

  /** Takes the objects there are now; of several with one id the first counts. */
  update(objects: readonly WrittenObject[]): AnalysisWork {
    const next = new Map<string, WrittenObject>()
    for (const object of objects) {
      if (!next.has(object.key)) next.set(object.key, object)
    }
    const changed = this.#replace(next)
    this.#objects = next
    return this.#checkAgain(changed)
  }

  /**
   * Puts new versions in the place of those there are, as `update` would with everything else as it is, without a look at the others.
   * Undefined, and nothing is done, when one of those is not what counts: `update` has to tell.
   */
  edit(versions: readonly (readonly [before: WrittenObject, after: WrittenObject])[]): AnalysisWork | undefined {
    if (!versions.every(([before, after]) => this.#objects.get(before.key) === before && after.key === before.key))
      return undefined
    const changed: string[] = []
    for (const [before, after] of versions) {
      if (this.#put(before, after)) changed.push(after.key)
      this.#objects.set(after.key, after)
    }
    return this.#checkAgain(changed)
  }

  /** The objects that there is something to say about. */
  faulty(): WrittenObject[] {
    return Array.from(this.#faulty, (key) => this.#objects.get(key) ?? []).flat()
  }

  /** All findings, by place. */
  problems(): Problem[] {
    const problems: Problem[] = []
    for (const key of this.#faulty) {
      const object = this.#objects.get(key)
      const found = this.#found.get(key)
      if (object === undefined || found === undefined) continue
      if (found.placed?.of !== object) {
        found.placed = { of: object, problems: found.faults.map((fault) => problemOf(object, fault)) }
      }
      problems.push(...found.placed.problems)
    }
    return problems.sort((a, b) => byPlace(a, b) || compare(tieBreak(a), tieBreak(b)))
  }

  /** Puts new versions into the index; returns the keys whose content changed. */
  #replace(next: ReadonlyMap<string, WrittenObject>): string[] {
    const changed: string[] = []
    for (const [key, old] of this.#objects) {
      if (this.#put(old, next.get(key))) changed.push(key)
    }
    for (const [key, object] of next) {
      if (this.#objects.has(key)) continue
      this.#index.add(key, object)
      changed.push(key)
    }
    return changed
  }

  /** Puts a version (or none) in the place of another into the index; true if its content is another. */
  #put(old: WrittenObject, object: WrittenObject | undefined): boolean {
    if (object === old) return false
    if (object !== undefined && (object.body === old.body || object.content === old.content)) {
      this.#index.move(old.key, object)
      return false
    }
    this.#index.remove(old.key)
    if (object !== undefined) this.#index.add(old.key, object)
    return true
  }

  #checkAgain(changed: readonly string[]): AnalysisWork {
    const again = new Set(changed)
    for (const asked of this.#index.takeChanges()) {
      for (const key of this.#askers.get(asked) ?? []) again.add(key)
    }
    for (const key of again) this.#check(key, this.#objects.get(key))
    return { changed: changed.length, checked: again.size }
  }

  #check(key: string, object: WrittenObject | undefined): void {
    const before = this.#found.get(key)
    for (const name of before?.asked ?? []) this.#forget(name, key)
    for (const name of before?.askedAny ?? []) this.#forget(anyOf(name), key)
    this.#found.delete(key)
    this.#faulty.delete(key)
    if (object === undefined) return
    const view = new MeshView(this.#index, this.#surroundings)
    const faults: Fault[] = []
    for (const check of this.#checks.get(fullKind(object.id)) ?? []) faults.push(...runCheck(check, object, view))
    for (const check of this.#everyKind) faults.push(...runCheck(check, object, view))
    this.#found.set(key, { faults, asked: view.asked, askedAny: view.askedAny })
    if (faults.length > 0) this.#faulty.add(key)
    for (const name of view.asked) this.#remember(name, key)
    for (const name of view.askedAny) this.#remember(anyOf(name), key)
  }

  #remember(name: string, key: string): void {
    const askers = this.#askers.get(name)
    if (askers === undefined) this.#askers.set(name, new Set([key]))
    else askers.add(key)
  }

  #forget(name: string, key: string): void {
    const askers = this.#askers.get(name)
    askers?.delete(key)
    if (askers?.size === 0) this.#askers.delete(name)
  }
}

/** What a check finds; one that fails must not take the others' findings with it. */
function runCheck(check: Check, object: WrittenObject, view: MeshView): Fault[] {
  try {
    return [...check.run(object, view)]
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const message = `the check ${check.name} of analysis failed: ${reason}`
    return [{ code: 'IST0001', severity: 'warning', field: '', message, mend: 'Report it, with the object.' }]
  }
}

/** Findings of one place stand in an order that no history changes. */
function tieBreak({ code, field, message, objectId }: Problem): string {
  return `${code} ${objectId === undefined ? '' : objectKey(objectId)} ${field} ${message}`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function anyOf(name: string): string {
  return `any ${name}`
}

/** A fault at its place. */
function problemOf(object: WrittenObject, fault: Fault): Problem {
  const { code, field, message, mend, severity = codes[code].severity } = fault
  return { severity, code, field, message, mend, position: object.positionOf(field), objectId: object.id }
}
