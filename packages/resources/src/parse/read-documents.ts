// YAML (and so JSON) text to plain values with places. Bounded: size, depth, and what aliases expand to.
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type ParsedNode,
  parseAllDocuments,
  Scalar,
  type YAMLError,
} from 'yaml'
import type { Position } from '@weft/core'
import { shown } from '../schema/shaped.ts'
import { readPlainYaml } from './plain-yaml.ts'
import { LatePlace, LineTable, type PlaceNode } from './positions.ts'
import { maxDepth, maxFileBytes } from './yaml-limits.ts'

const maxAliasedValues = 10_000
/** More faults than these are not told of one file. */
export const maxSyntaxFaults = 20
/** More errors than these are not looked at of one document: one tab among spaces has a trail of them. */
const maxErrors = 200

/** One document: its value, where its values stand, and its text for keeping. */
export interface RawDocument {
  readonly value: unknown
  readonly place: PlaceNode
  readonly lines: LineTable
  /** The document's own text; parsing it again as line `firstLine` of the file gives the same places. */
  readonly text: string
  readonly firstLine: number
}

/** What makes a text unreadable. */
export interface SyntaxFault {
  readonly position: Position
  readonly code: string
  readonly message: string
  readonly mend: string
}

/** The same, by offset into its text. */
interface RawFault extends Omit<SyntaxFault, 'position'> {
  readonly offset: number
}

/** A piece of a text that can be read without the rest of it: mostly one document. */
export interface TextPart {
  readonly text: string
  readonly firstLine: number
}

/** Reads all documents of a text; empty documents are left out. */
export function readDocuments(
  file: string,
  { text, firstLine }: TextPart,
): { readonly documents: readonly RawDocument[]; readonly faults: readonly SyntaxFault[] } {
  const lines = new LineTable(file, text, firstLine)
  if (text.length > maxFileBytes) {
    const message = `is larger than ${maxFileBytes / 1048576} MiB`
    const fault = { position: lines.at(0), code: 'file-too-large', message, mend: 'Split the file.' }
    return { documents: [], faults: [fault] }
  }
  const plain = readPlainYaml(text)
  if (plain === undefined) {
    const { documents, faults } = readFully(text, lines, firstLine)
    return { documents, faults: faults.map(({ offset, ...fault }) => ({ ...fault, position: lines.at(offset) })) }
  }
  if (plain.value === null) return { documents: [], faults: [] }
  const place = new LatePlace(plain.offset, () => readPlainYaml(text, true)?.inside)
  return { documents: [{ value: plain.value, place, lines, text, firstLine }], faults: [] }
}

/** The documents between `---` lines; the whole text where such a line says more, or when it is too large to look at. */
export function splitDocuments(text: string, firstLine: number): TextPart[] {
  if (text.length > maxFileBytes) return [{ text, firstLine }]
  const parts: TextPart[] = []
  let start = 0
  let startLine = firstLine
  let line = firstLine
  for (let at = 0; at < text.length; line++) {
    const newline = text.indexOf('\n', at)
    const end = newline < 0 ? text.length : newline
    if (text.startsWith('---', at)) {
      const rest = text.slice(at + 3, end)
      if (rest.trimEnd() !== '' && /^\s/.test(rest)) return [{ text, firstLine }]
      if (rest.trimEnd() === '') {
        if (at > start) parts.push({ text: text.slice(start, at), firstLine: startLine })
        start = end + 1
        startLine = line + 1
      }
    }
    at = end + 1
  }
  if (start < text.length) parts.push({ text: text.slice(start), firstLine: startLine })
  return parts
}

/** By the full parser: every form of YAML, the place of every value. */
function readFully(
  text: string,
  lines: LineTable,
  firstLine: number,
): { readonly documents: readonly RawDocument[]; readonly faults: readonly RawFault[] } {
  const documents: RawDocument[] = []
  const faults: RawFault[] = []
  for (const document of parseSafely(text, faults)) {
    for (const error of worthTelling(document)) faults.push(describeSyntax(error, text))
    if (document.errors.length > 0 || document.contents === null) continue
    const start = document.range[0]
    const end = document.range[2]
    const builder = new ValueBuilder()
    const built = builder.build(document.contents as ParsedNode, document.contents.range?.[0] ?? start, 0)
    faults.push(...builder.faults)
    if (built.value === null || built.value === undefined) continue
    const lineStart = text.lastIndexOf('\n', start - 1) + 1
    const line = firstLine + (lineStart === 0 ? 0 : text.slice(0, lineStart).split('\n').length - 1)
    documents.push({ value: built.value, place: built.place, lines, text: text.slice(lineStart, end), firstLine: line })
  }
  return { documents, faults: told(faults, text) }
}

/** Of a million errors of one document the first are told; that the stack ran out says more than any of them, wherever it stands. */
function worthTelling({ errors, warnings }: Document.Parsed): readonly YAMLError[] {
  const overflow = errors.find(({ message }) => stackRanOut.test(message))
  return overflow === undefined ? [...errors.slice(0, maxErrors), ...warnings.slice(0, maxErrors)] : [overflow]
}

const stackRanOut = /call stack|stack overflow/i

/** Few and useful: a stack that ran out, and a tab among spaces, leave a trail of follow-up errors. */
function told(faults: readonly RawFault[], text: string): readonly RawFault[] {
  const overflow = faults.find(({ message }) => stackRanOut.test(message))
  if (overflow !== undefined) return [tooDeep(overflow.offset)]
  const lineStart = ({ offset }: RawFault): number => text.lastIndexOf('\n', offset - 1)
  const tabs = faults.filter(({ message }) => message === tabUsed)
  const firstOfLine = tabs.filter((one, at) => tabs.findIndex((other) => lineStart(other) === lineStart(one)) === at)
  return (tabs.length > 0 ? firstOfLine : faults).slice(0, maxSyntaxFaults)
}

function tooDeep(offset: number): RawFault {
  const mend = `Nest at most ${maxDepth} levels.`
  return { offset, code: 'bad-yaml', message: `is nested more than ${maxDepth} levels deep`, mend }
}

function parseSafely(text: string, faults: RawFault[]): readonly Document.Parsed[] {
  const { stackTraceLimit } = Error
  try {
    // A text of errors has a million of them, and nobody reads where in the parser each came up: to find that out takes most of the time.
    Error.stackTraceLimit = 0
    const parsed = parseAllDocuments(text, { prettyErrors: false, version: '1.2', schema: 'core', uniqueKeys: false })
    return Array.isArray(parsed) ? parsed : []
  } catch {
    // The parser recurses: only nesting can exhaust the stack.
    faults.push(tooDeep(0))
    return []
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

const tabUsed = 'a tab is used for indentation'

const syntaxMends: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'Indent with spaces; YAML allows no tabs there.',
  BAD_INDENT: 'Align it with its siblings, using spaces.',
  MISSING_CHAR: 'Close the quote or bracket, or put the text in quotes.',
  BLOCK_IN_FLOW: 'Close the bracket before the next line begins.',
  TAG_RESOLVE_FAILED: 'Remove the tag (the word after "!").',
  BAD_ALIAS: 'Define the anchor (&name) before using it (*name).',
}

function describeSyntax(error: YAMLError, text: string): RawFault {
  const [offset] = error.pos
  const tab =
    error.code === 'TAB_AS_INDENT' || /^[ ]*\t/.test(text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset + 1))
  const mend = syntaxMends[tab ? 'TAB_AS_INDENT' : error.code]
  const message = tab ? tabUsed : lowerFirst(error.message)
  return { offset, code: 'bad-yaml', message, mend: mend ?? 'Correct the YAML at this place.' }
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1)
}

/** Builds the value and the places in one walk over the syntax tree. */
class ValueBuilder {
  readonly faults: RawFault[] = []
  readonly #anchors = new Map<string, ParsedNode>()
  #aliased = 0
  #insideAlias = 0

  build(node: ParsedNode | null, offset: number, depth: number): { value: unknown; place: PlaceNode } {
    if (depth > maxDepth) return this.#refuse(tooDeep(offset))
    if (this.#aliased > maxAliasedValues) return { value: null, place: { offset, inside: undefined } }
    if (this.#insideAlias > 0 && ++this.#aliased > maxAliasedValues) {
      const message = `aliases expand to more than ${maxAliasedValues} values`
      return this.#refuse({ offset, code: 'bad-yaml', message, mend: 'Write the values out, or use fewer aliases.' })
    }
    if (isAlias(node)) return this.#alias(node.source, offset, depth)
    if (node?.anchor !== undefined && this.#insideAlias === 0) this.#anchors.set(node.anchor, node)
    if (isMap(node)) return this.#map(node.items as readonly ParsedPair[], offset, depth)
    if (isSeq(node)) return this.#list(node.items as readonly (ParsedNode | null)[], offset, depth)
    return { value: isScalar(node) ? node.value : null, place: { offset, inside: undefined } }
  }

  #alias(name: string, offset: number, depth: number): { value: unknown; place: PlaceNode } {
    if (this.faults.length > 0) return { value: null, place: { offset, inside: undefined } }
    const target = this.#anchors.get(name)
    if (target === undefined) {
      const mend = 'Define the anchor (&name) before using it (*name).'
      return this.#refuse({ offset, code: 'bad-yaml', message: `alias *${name} has no anchor`, mend })
    }
    this.#insideAlias++
    const built = this.build(target, offset, depth + 1)
    this.#insideAlias--
    return built
  }

  #map(pairs: readonly ParsedPair[], offset: number, depth: number): { value: unknown; place: PlaceNode } {
    const value: Record<string, unknown> = {}
    const inside = new Map<string, PlaceNode>()
    for (const { key, value: member } of pairs) {
      const at = key?.range?.[0] ?? offset
      if (key !== null && !isScalar(key)) {
        this.#refuse({ offset: at, code: 'bad-yaml', message: 'a key must be plain text', mend: 'Write it as text.' })
        continue
      }
      const name = String(key?.value ?? '')
      if (inside.has(name))
        this.#refuse({ offset: at, code: 'bad-yaml', message: `${shown(name)} is written twice`, mend: 'Keep one.' })
      const built = this.build(member, at, depth + 1)
      // `__proto__` must stay an ordinary (and unknown) field.
      Object.defineProperty(value, name, { value: built.value, enumerable: true, writable: true, configurable: true })
      inside.set(name, { offset: at, inside: built.place.inside })
    }
    return { value, place: { offset, inside } }
  }

  #list(items: readonly (ParsedNode | null)[], offset: number, depth: number): { value: unknown; place: PlaceNode } {
    const value: unknown[] = []
    const inside = new Map<string, PlaceNode>()
    for (const [index, item] of items.entries()) {
      const built = this.build(asAddress(item) ?? item, item?.range?.[0] ?? offset, depth + 1)
      value.push(built.value)
      inside.set(String(index), built.place)
    }
    return { value, place: { offset, inside } }
  }

  #refuse(fault: RawFault): { value: null; place: PlaceNode } {
    if (this.faults.length < maxSyntaxFaults) this.faults.push(fault)
    return { value: null, place: { offset: fault.offset, inside: undefined } }
  }
}

/** `[2001:db8::]`: what stands before the last colon is a key to YAML 1.2, and an address to everyone else. */
function asAddress(item: ParsedNode | null): ParsedNode | undefined {
  if (!isMap(item) || item.items.length !== 1) return undefined
  const { key, value } = item.items[0] as ParsedPair
  const text = isScalar(key) && key.type === 'PLAIN' ? String(key.value) : ''
  const empty = value === null || (isScalar(value) && value.value === null && value.source === '')
  if (!empty || !/^[0-9A-Fa-f:]+:$/.test(text)) return undefined
  const scalar = new Scalar(`${text}:`) as Scalar.Parsed
  scalar.range = item.range
  return scalar
}

interface ParsedPair {
  readonly key: ParsedNode | null
  readonly value: ParsedNode | null
}
