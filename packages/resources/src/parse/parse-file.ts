// One file to its objects. Syntax errors make the whole file unreadable; everything else is judged object by object.
import type { WrittenObject } from '../analyze/written-object.ts'
import type { Problem, SourceFile } from '../mesh-object.ts'
import { type DecodedObject, decodeObject, type RawObject } from './decode-object.ts'
import type { DataPlane } from '../schema/describe-effect.ts'
import { type RawDocument, readDocuments, type SyntaxFault } from './read-documents.ts'
import type { LineTable } from './positions.ts'
import { writtenObject } from './written.ts'

/** An object of a file together with the text it came from, from which it can be parsed again. */
export interface ParsedObject extends DecodedObject {
  readonly source: { readonly file: string; readonly firstLine: number; readonly text: string }
}

/** What was found in one file. */
export interface ParsedFile {
  readonly file: string
  /**
   * The file held at least one object and it is known which objects those are. Only then may the absence of an object
   * mean that the user removed it.
   */
  readonly whole: boolean
  /** Objects that could be identified, valid or not, in file order; none when the YAML is broken. */
  readonly objects: readonly ParsedObject[]
  /** Everything that names itself, valid or not, of kinds that are no part of the mesh too: what analysis looks at. */
  readonly written: readonly WrittenObject[]
  /** Findings about the file and about all of its objects, in file order. */
  readonly problems: readonly Problem[]
}

/** Parses one YAML or JSON file: several documents, `List` kinds. `firstLine` numbers its first line. Never throws. */
export function parseFile(file: SourceFile, firstLine = 1, dataPlane: DataPlane = 'weft'): ParsedFile {
  if (file.unreadable !== undefined) {
    return unusableFile(file.name, 1, { code: 'unreadable-file', message: file.unreadable, mend: 'Correct the file.' })
  }
  const { documents, faults, lines } = readDocuments(file.name, file.text, firstLine)
  if (faults.length > 0) {
    return {
      file: file.name,
      whole: false,
      objects: [],
      written: [],
      problems: faults.map((fault) => syntaxProblem(fault, lines)),
    }
  }
  const parsed = documents.flatMap((document) => parseDocument(file.name, document, dataPlane))
  const own = parsed.filter(({ id, problems }) => id !== undefined || problems.length > 0)
  return {
    file: file.name,
    whole: own.length > 0 && own.every((object) => object.id !== undefined),
    objects: own.filter((object) => object.id !== undefined),
    written: parsed.flatMap(({ written }) => written ?? []),
    problems: parsed.flatMap((object) => object.problems).sort(byPlace),
  }
}

/** A file of which nothing can be used, for one reason. */
export function unusableFile(
  file: string,
  line: number,
  fault: Pick<Problem, 'code' | 'message' | 'mend'>,
): ParsedFile {
  const position = { file, line, column: 1 }
  const problem: Problem = { severity: 'error', ...fault, position, objectId: undefined, field: '' }
  return { file, whole: false, objects: [], written: [], problems: [problem] }
}

interface ParsedValue extends ParsedObject {
  readonly written: WrittenObject | undefined
}

function parseDocument(file: string, document: RawDocument, dataPlane: DataPlane): ParsedValue[] {
  const source = { file, firstLine: document.firstLine, text: document.text }
  return unlist(document).map((raw) => ({
    ...decodeObject(raw, dataPlane),
    source,
    written: writtenObject(raw),
  }))
}

/** The items of a `List` (also `VirtualServiceList` and the like), or the document itself. */
function unlist(raw: RawObject): RawObject[] {
  const value = raw.value as { readonly kind?: unknown; readonly items?: unknown } | null
  const isList = typeof value === 'object' && typeof value?.kind === 'string' && value.kind.endsWith('List')
  if (!isList || !Array.isArray(value?.items)) return [raw]
  const items = raw.place.inside?.get('items')
  return value.items.map((item: unknown, index) => ({
    value: item,
    place: items?.inside?.get(String(index)) ?? raw.place,
    lines: raw.lines,
  }))
}

function syntaxProblem(fault: SyntaxFault, lines: LineTable): Problem {
  const { code, message, mend } = fault
  return { severity: 'error', code, message, position: lines.at(fault.offset), objectId: undefined, field: '', mend }
}

/** Orders findings by file, line and column; findings without a place come first. */
export function byPlace(a: Problem, b: Problem): number {
  const fileA = a.position?.file ?? ''
  const fileB = b.position?.file ?? ''
  if (fileA !== fileB) return fileA < fileB ? -1 : 1
  return (a.position?.line ?? 0) - (b.position?.line ?? 0) || (a.position?.column ?? 0) - (b.position?.column ?? 0)
}
