// What is in force and named in no file now: its `kind` was misspelt, its file does not parse, its directory is away.
import { objectKey } from '@weft/core'
import { type DataPlane, parseFile, type WrittenObject } from '@weft/resources'
import type { FileRecord } from './file-table.ts'
import type { Accepted, MergeOutput } from './merge.ts'

/** As they were written, by where they were read from: each is parsed again once. */
const written = new WeakMap<Accepted['source'], readonly WrittenObject[]>()

/**
 * The last good versions that serve of objects that no file names, as they were written: others that refer to them refer to something. What
 * a file names, valid or not, is looked at as the file has it.
 */
export function unnamedObjects(
  { stale, accepted }: Pick<MergeOutput, 'stale' | 'accepted'>,
  files: ReadonlyMap<string, FileRecord>,
  dataPlane: DataPlane,
): WrittenObject[] {
  if (stale.length === 0) return []
  const named = new Set<string>()
  for (const { parsed } of files.values()) for (const { key } of parsed?.written ?? []) named.add(key)
  return stale.flatMap(({ id }) => {
    const key = objectKey(id)
    const source = named.has(key) ? undefined : accepted.get(key)?.source
    return source === undefined ? [] : writtenIn(source, dataPlane).filter((object) => object.key === key)
  })
}

function writtenIn(source: Accepted['source'], dataPlane: DataPlane): readonly WrittenObject[] {
  const known = written.get(source)
  if (known !== undefined) return known
  const { file, firstLine, text } = source
  const read = parseFile({ name: file, text }, firstLine, undefined, dataPlane).written
  written.set(source, read)
  return read
}
