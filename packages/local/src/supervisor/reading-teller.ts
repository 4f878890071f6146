// What `weft up` says of each state of the configuration: what became of an edit, and what is wrong with it, once.
import { describeObject, formatProblem, type MeshObject, type Problem } from '@weft/resources'
import type { LogPrinter } from '../process/log-printer.ts'
import type { MeshReading } from './mesh-source.ts'

/** More lines of one sort than this are a matter for `weft analyze`. */
const mostLines = 10

/** Tells of readings, one after the other; `faults` are reasons why what is in force cannot run as it is written (lines for people). */
export function readingTeller(
  printer: LogPrinter,
  analyze: string,
): (reading: MeshReading, faults: readonly string[]) => void {
  let objects: ReadonlyMap<string, MeshObject> | undefined
  let wrong: readonly string[] = []
  let warned: readonly string[] = []
  return ({ state, errors, dangling }, faults) => {
    const now = byName(state.objects)
    const edits = objects === undefined ? [] : editsBetween(objects, now)
    objects = now
    if (edits.length > 0) printer.say(`applied: ${shortened(edits).join(', ')}`)
    const found = [...errors, ...dangling, ...faults]
    const told = found.join('\n') === wrong.join('\n')
    if (!told && errors.length > 0)
      printer.problem(list('refused; the last good configuration goes on serving', errors))
    if (!told && dangling.length > 0) printer.problem(list('applied, but it names what is not there', dangling))
    if (!told && faults.length > 0) printer.problem(list('applied, but it cannot run', faults))
    const warnings = [...state.problems, ...(state.relations ?? [])].filter(isWarning).map(formatProblem)
    const fresh = warnings.filter((line) => !warned.includes(line))
    if (fresh.length > 0) printer.problem(list('warnings', shortened(fresh, `; see ${analyze}`)))
    const wasGood = wrong.length === 0 && warned.length === 0
    if (!wasGood && found.length === 0 && warnings.length === 0) printer.say('the configuration is good again')
    wrong = found
    warned = warnings
  }
}

/** Lines below a title. */
export function list(title: string, items: readonly string[]): string {
  return [title, ...items.map((item) => `  ${item}`)].join('\n')
}

function isWarning({ severity }: Problem): boolean {
  return severity === 'warning'
}

function byName(objects: readonly MeshObject[]): ReadonlyMap<string, MeshObject> {
  return new Map(objects.map((object) => [describeObject(object.id), object]))
}

function editsBetween(before: ReadonlyMap<string, MeshObject>, after: ReadonlyMap<string, MeshObject>): string[] {
  const written = [...after].filter(([name, { hash }]) => before.get(name)?.hash !== hash).map(([name]) => name)
  const gone = [...before.keys()].filter((name) => !after.has(name)).map((name) => `${name} removed`)
  return [...written, ...gone]
}

function shortened(lines: readonly string[], hint = ''): readonly string[] {
  const more = lines.length - mostLines
  return more <= 0 ? lines : [...lines.slice(0, mostLines), `and ${more} more${hint}`]
}
