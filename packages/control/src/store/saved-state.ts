// The last good versions on disk: the text of each document in force, parsed again at the next start.
import { objectKey } from '@weft/core'
import { parseFile } from '@weft/resources'
import type { Accepted } from './merge.ts'

interface SavedDocument {
  readonly file: string
  readonly firstLine: number
  readonly text: string
  /** Keys of the objects to take from the document (a `List` may hold others, in force in another version). */
  readonly keys: readonly string[]
}

/** Writes what is in force; equal states give equal texts. */
export function encodeSaved(accepted: ReadonlyMap<string, Accepted>): string {
  const documents = new Map<string, { file: string; firstLine: number; text: string; keys: string[] }>()
  for (const key of [...accepted.keys()].sort()) {
    const { source } = accepted.get(key) as Accepted
    const id = `${source.file}\0${source.firstLine}\0${source.text}`
    const document = documents.get(id) ?? { ...source, keys: [] }
    document.keys.push(key)
    documents.set(id, document)
  }
  return `${JSON.stringify({ version: 1, documents: [...documents.values()] }, undefined, 1)}\n`
}

/** Reads what `encodeSaved` wrote. Documents that are no longer valid are left out; damage reads as nothing. */
export function decodeSaved(text: string): Map<string, Accepted> {
  const accepted = new Map<string, Accepted>()
  for (const { file, firstLine, text: documentText, keys } of savedDocuments(text)) {
    for (const { object } of parseFile({ name: file, text: documentText }, firstLine).objects) {
      if (object === undefined) continue
      const key = objectKey(object.id)
      if (keys.includes(key)) accepted.set(key, { object, source: { file, firstLine, text: documentText } })
    }
  }
  return accepted
}

function savedDocuments(text: string): readonly SavedDocument[] {
  try {
    const saved = JSON.parse(text) as { readonly version?: unknown; readonly documents?: unknown }
    if (saved.version !== 1 || !Array.isArray(saved.documents)) return []
    return saved.documents.filter(isSavedDocument)
  } catch {
    return []
  }
}

function isSavedDocument(value: unknown): value is SavedDocument {
  if (typeof value !== 'object' || value === null) return false
  const { file, firstLine, text, keys } = value as Readonly<Record<string, unknown>>
  return typeof file === 'string' && typeof firstLine === 'number' && typeof text === 'string' && Array.isArray(keys)
}
