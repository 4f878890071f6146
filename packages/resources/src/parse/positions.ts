// Where each value of a document was written.
import type { Position } from '@weft/core'
import { type PathStep, splitFieldPath } from '../field-path.ts'

/** A value's place: the offset of its key (or of the item), and of what is inside it. */
export interface PlaceNode {
  readonly offset: number
  readonly inside: ReadonlyMap<string, PlaceNode> | undefined
}

/** Offsets to lines and columns of one text. */
export class LineTable {
  readonly #file: string
  readonly #text: string
  readonly #firstLine: number
  #starts: readonly number[] | undefined

  /** `firstLine` is the number of the first line of `text` in the file, from 1. */
  constructor(file: string, text: string, firstLine: number) {
    this.#file = file
    this.#text = text
    this.#firstLine = firstLine
  }

  /** Line and column (both from 1) of an offset; offsets past the end belong to the last line. */
  at(offset: number): Position {
    // Most tables are asked for nothing else than where their first word stands.
    if (offset === 0) return { file: this.#file, line: this.#firstLine, column: 1 }
    const starts = (this.#starts ??= lineStarts(this.#text))
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { file: this.#file, line: this.#firstLine + low, column: offset - (starts[low] ?? 0) + 1 }
  }
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

/** Places that are found out when somebody asks: most objects are never asked. */
export class LatePlace implements PlaceNode {
  readonly offset: number
  #find: (() => ReadonlyMap<string, PlaceNode> | undefined) | undefined
  #inside: ReadonlyMap<string, PlaceNode> | undefined

  constructor(offset: number, find: () => ReadonlyMap<string, PlaceNode> | undefined) {
    this.offset = offset
    this.#find = find
  }

  get inside(): ReadonlyMap<string, PlaceNode> | undefined {
    if (this.#find !== undefined) {
      this.#inside = this.#find()
      this.#find = undefined
    }
    return this.#inside
  }
}

/** Place of a path below `root`, or of its nearest written ancestor. */
export function placeOf(root: PlaceNode, steps: readonly PathStep[]): number {
  let node = root
  for (const step of steps) {
    const next = node.inside?.get(String(step))
    if (next === undefined) break
    node = next
  }
  return node.offset
}

/** `MeshObject.positionOf` for an object written at `root`. */
export function positionLookup(root: PlaceNode, lines: LineTable): (path: string) => Position {
  return (path) => lines.at(placeOf(root, splitFieldPath(path)))
}
