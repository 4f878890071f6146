// One file to its objects. Syntax errors make the whole file unreadable; everything else is judged object by object.
import type { WrittenObject } from '../analyze/written-object.ts'
import type { Problem, SourceFile } from '../mesh-object.ts'
import { type DecodedObject, decodeObject, type RawObject } from './decode-object.ts'
import type { DataPlane } from '../schema/describe-effect.ts'
import { movedPart, type ParsedPart, type ParsedValue } from './moved-part.ts'
import {
  maxSyntaxFaults,
  type RawDocument,
  readDocuments,
  splitDocuments,
  type SyntaxFault,
  type TextPart,
} from './read-documents.ts'
import { writtenObject } from './written.ts'

/** An object of a file together with the text it came from, from which it can be parsed again. */
export interface ParsedObject extends DecodedObject {
  readonly source: ObjectSource
}

/** A document of a file. */
export interface ObjectSource {
  readonly file: string
  readonly firstLine: number
  readonly text: string
  /** A Secret is in it, in force or not: nobody may keep the text. */
  readonly holdsSecret: boolean
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
  /** The documents by their text, so that the next version of the file need not parse them again. */
  readonly parts: ReadonlyMap<string, ParsedPart>
  /** How many objects were validated to make this: not those taken from an earlier version. */
  readonly validated: number
}

/**
 * Parses one YAML or JSON file: several documents, `List` kinds. `firstLine` numbers its first line. Documents that `before` (the
 * same file, parsed earlier) has too are taken from there, at their new place. Never throws.
 */
export function parseFile(
  file: SourceFile,
  firstLine = 1,
  before?: ParsedFile,
  dataPlane: DataPlane = 'weft',
): ParsedFile {
  if (file.unreadable !== undefined) {
    const { unreadable: message, mend = 'Correct the file.', doubtful = false } = file
    return unusableFile(file.name, 1, {
      severity: doubtful ? 'warning' : 'error',
      code: 'unreadable-file',
      message,
      mend,
    })
  }
  const parts = new Map<string, ParsedPart>()
  let validated = 0
  const read = splitDocuments(file.text, firstLine).map((part) => {
    const known = parts.get(part.text) ?? before?.parts.get(part.text)
    const parsed = known === undefined ? parsePart(file.name, part, dataPlane) : movedPart(known, part.firstLine)
    if (known === undefined) validated += parsed.values.length
    parts.set(part.text, parsed)
    return parsed
  })
  const faults = read.flatMap((part) => part.faults).slice(0, maxSyntaxFaults)
  if (faults.length > 0) {
    return { ...nothingIn(file.name), parts, validated, problems: faults.map(syntaxProblem) }
  }
  const parsed = read.flatMap(({ values }) => values)
  const own = parsed.filter(({ id, problems }) => id !== undefined || problems.length > 0)
  return {
    file: file.name,
    whole: own.length > 0 && own.every((object) => object.id !== undefined),
    objects: own.filter((object) => object.id !== undefined),
    written: parsed.flatMap(({ written }) => written ?? []),
    problems: parsed.flatMap((object) => object.problems).sort(byPlace),
    parts,
    validated,
  }
}

function nothingIn(file: string): Omit<ParsedFile, 'problems'> {
  return { file, whole: false, objects: [], written: [], parts: new Map(), validated: 0 }
}

/** A file of which nothing can be used, for one reason. */
export function unusableFile(
  file: string,
  line: number,
  fault: Pick<Problem, 'code' | 'message' | 'mend'> & Partial<Pick<Problem, 'severity'>>,
): ParsedFile {
  const position = { file, line, column: 1 }
  const problem: Problem = { severity: 'error', ...fault, position, objectId: undefined, field: '' }
  return { ...nothingIn(file), problems: [problem] }
}

function parsePart(file: string, part: TextPart, dataPlane: DataPlane): ParsedPart {
  const { documents, faults } = readDocuments(file, part)
  const values = documents.flatMap((document) => parseDocument(file, document, dataPlane))
  return { firstLine: part.firstLine, values, faults, first: undefined }
}

function parseDocument(file: string, document: RawDocument, dataPlane: DataPlane): ParsedValue[] {
  const items = unlist(document)
  const holdsSecret = [document, ...items].some(({ value }) => isSecret(value))
  const source = { file, firstLine: document.firstLine, text: document.text, holdsSecret }
  return items.map((raw) => ({
    ...decodeObject(raw, dataPlane),
    source,
    written: writtenObject(raw),
  }))
}

/** Whether a value calls itself a Secret, or a list of them. */
function isSecret(value: unknown): boolean {
  const kind = (value as { readonly kind?: unknown } | null)?.kind
  return kind === 'Secret' || kind === 'SecretList'
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

function syntaxProblem({ code, message, mend, position }: SyntaxFault): Problem {
  return { severity: 'error', code, message, position, objectId: undefined, field: '', mend }
}

/** Orders findings by file, line and column; findings without a place come first. */
export function byPlace(a: Problem, b: Problem): number {
  const fileA = a.position?.file ?? ''
  const fileB = b.position?.file ?? ''
  if (fileA !== fileB) return fileA < fileB ? -1 : 1
  return (a.position?.line ?? 0) - (b.position?.line ?? 0) || (a.position?.column ?? 0) - (b.position?.column ?? 0)
}
