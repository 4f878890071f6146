// The last good versions on disk: the text of each document in force, parsed again at the next start; and which security
// objects deny what they select because they could not be enforced.
import { objectKey } from '@weft/core'
import { type DataPlane, parseFile } from '@weft/resources'
import { type Accepted, isSecurityKey } from './merge.ts'

interface SavedDocument {
  readonly file: string
  readonly firstLine: number
  readonly text: string
  /** Keys of the objects to take from the document (a `List` may hold others, in force in another version). */
  readonly keys: readonly string[]
}

/** What an earlier run had in force. */
export interface Saved {
  readonly accepted: ReadonlyMap<string, Accepted>
  /**
   * Security objects that were in force, enforced or as a denial, and that this version cannot read: they go on as a
   * denial. One that was refused at the door is not among them: it had no effect before and must not get one by a restart.
   */
  readonly denied: ReadonlySet<string>
}

/** Writes what is in force; equal states give equal texts. */
export function encodeSaved({ accepted, denied }: Saved): string {
  const documents = new Map<string, { file: string; firstLine: number; text: string; keys: string[] }>()
  for (const key of [...accepted.keys()].sort()) {
    const { source } = accepted.get(key) as Accepted
    const id = `${source.file}\0${source.firstLine}\0${source.text}`
    const document = documents.get(id) ?? { ...source, keys: [] }
    document.keys.push(key)
    documents.set(id, document)
  }
  const content = { version: 1, documents: [...documents.values()], denied: [...denied].sort() }
  return `${JSON.stringify(content, undefined, 1)}\n`
}

/** Reads what `encodeSaved` wrote; undefined when it is damaged. Documents that are no longer valid are left out. */
export function decodeSaved(text: string, dataPlane: DataPlane = 'weft'): Saved | undefined {
  const saved = readSaved(text)
  if (saved === undefined) return undefined
  const accepted = new Map<string, Accepted>()
  const denied = new Set(saved.denied)
  for (const { file, firstLine, text: documentText, keys } of saved.documents) {
    for (const { object } of parseFile({ name: file, text: documentText }, firstLine, dataPlane).objects) {
      if (object === undefined) continue
      const key = objectKey(object.id)
      if (keys.includes(key)) accepted.set(key, { object, source: { file, firstLine, text: documentText } })
    }
    for (const key of keys) if (isSecurityKey(key) && !accepted.has(key)) denied.add(key)
  }
  return { accepted, denied }
}

function readSaved(text: string): { documents: readonly SavedDocument[]; denied: readonly string[] } | undefined {
  try {
    const { version, documents, denied } = JSON.parse(text) as Readonly<Record<string, unknown>>
    if (version !== 1 || !Array.isArray(documents) || !documents.every(isSavedDocument)) return undefined
    return { documents, denied: Array.isArray(denied) ? denied.filter((key) => typeof key === 'string') : [] }
  } catch {
    return undefined
  }
}

function isSavedDocument(value: unknown): value is SavedDocument {
  if (typeof value !== 'object' || value === null) return false
  const { file, firstLine, text, keys } = value as Readonly<Record<string, unknown>>
  return typeof file === 'string' && typeof firstLine === 'number' && typeof text === 'string' && Array.isArray(keys)
}
