// A document that was parsed before and stands at another line now: the same objects, at other places.
import type { Position } from '@weft/core'
import type { WrittenObject } from '../analyze/written-object.ts'
import type { MeshObject, Problem } from '../mesh-object.ts'
import type { ParsedObject } from './parse-file.ts'
import type { SyntaxFault } from './read-documents.ts'

/** What one value of a document became. */
export interface ParsedValue extends ParsedObject {
  readonly written: WrittenObject | undefined
}

/** A parsed piece of a file. */
export interface ParsedPart {
  readonly firstLine: number
  readonly values: readonly ParsedValue[]
  readonly faults: readonly SyntaxFault[]
  /** The part as it was parsed, when this one was moved: moves do not pile up. */
  readonly first: ParsedPart | undefined
}

/** The part as if it had been parsed at `firstLine`. */
export function movedPart(part: ParsedPart, firstLine: number): ParsedPart {
  if (part.firstLine === firstLine) return part
  const first = part.first ?? part
  if (first.firstLine === firstLine) return first
  const by = firstLine - first.firstLine
  const sources = new Map<ParsedObject['source'], ParsedObject['source']>()
  for (const { source } of first.values) sources.set(source, { ...source, firstLine: source.firstLine + by })
  return {
    firstLine,
    values: first.values.map((value) => ({
      ...value,
      position: moved(value.position, by),
      problems: value.problems.map((problem) => movedProblem(problem, by)),
      object: value.object && movedObject(value.object, by),
      written: value.written && movedWritten(value.written, by),
      source: sources.get(value.source) as ParsedObject['source'],
    })),
    faults: first.faults.map((fault) => ({ ...fault, position: moved(fault.position, by) })),
    first,
  }
}

function moved(position: Position, by: number): Position {
  return { ...position, line: position.line + by }
}

function movedProblem(problem: Problem, by: number): Problem {
  return problem.position === undefined ? problem : { ...problem, position: moved(problem.position, by) }
}

function movedObject(object: MeshObject, by: number): MeshObject {
  return { ...object, positionOf: movedLookup(object, by) }
}

function movedWritten(object: WrittenObject, by: number): WrittenObject {
  const { id, key, apiVersion, labels, annotations, body, spec } = object
  return {
    id,
    key,
    apiVersion,
    labels,
    annotations,
    body,
    spec,
    get content() {
      return object.content
    },
    positionOf: movedLookup(object, by),
  }
}

function movedLookup(of: Pick<MeshObject, 'positionOf'>, by: number): (path: string) => Position | undefined {
  return (path) => {
    const position = of.positionOf(path)
    return position && moved(position, by)
  }
}
