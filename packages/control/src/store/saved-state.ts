// The last good versions on disk: the text of each document in force, parsed again at the next start; and which security
// objects deny what they select because they could not be enforced. Of documents with a Secret only what was in them, unless this is the
// only place that still has them: no private key is copied that lies in its own file.
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
  /** By key the files of objects that were in force and whose text is not kept. */
  readonly withheld: ReadonlyMap<string, string>
}

/** Documents as they are written, by where they were read from: what did not change is not put into words again. */
const written = new WeakMap<Accepted['source'], { readonly keys: string; readonly text: string }>()

/** What is in force, and what of it no file says any more. */
export interface ToSave extends Saved {
  /** Keys of objects that are in force in an older version than their files ask for. */
  readonly stale: ReadonlySet<string>
}

/** Writes what is in force (sorted by key); equal states give equal texts. */
export function encodeSaved({ accepted, denied, withheld, stale }: ToSave): string {
  const kept = new Map(withheld)
  const documents = new Map<Accepted['source'], string[]>()
  for (const [key, { source }] of accepted) {
    if (source.holdsSecret && !stale.has(key)) {
      kept.set(key, source.file)
      continue
    }
    const keys = documents.get(source)
    if (keys === undefined) documents.set(source, [key])
    else keys.push(key)
  }
  const texts: string[] = []
  for (const [source, keys] of documents) texts.push(documentText(source, keys))
  const rest = JSON.stringify({ denied: [...denied].sort(), withheld: Object.fromEntries([...kept].sort()) })
  return `{"version":1,"documents":[\n${texts.join(',\n')}\n],${rest.slice(1)}\n`
}

function documentText(source: Accepted['source'], keys: readonly string[]): string {
  const joined = keys.join('\n')
  const known = written.get(source)
  if (known?.keys === joined) return known.text
  const { file, firstLine, text: kept } = source
  const text = JSON.stringify({ file, firstLine, text: kept, keys })
  written.set(source, { keys: joined, text })
  return text
}

/** Reads what `encodeSaved` wrote; undefined when it is damaged. Documents that are no longer valid are left out. */
export function decodeSaved(text: string, dataPlane: DataPlane = 'weft'): Saved | undefined {
  const saved = readSaved(text)
  if (saved === undefined) return undefined
  const accepted = new Map<string, Accepted>()
  const denied = new Set(saved.denied)
  for (const { file, firstLine, text: documentText, keys } of saved.documents) {
    const { objects } = parseFile({ name: file, text: documentText }, firstLine, undefined, dataPlane)
    for (const { object, source } of objects) {
      if (object === undefined) continue
      const key = objectKey(object.id)
      if (keys.includes(key)) accepted.set(key, { object, source })
    }
    for (const key of keys) if (isSecurityKey(key) && !accepted.has(key)) denied.add(key)
  }
  return { accepted: new Map([...accepted].sort(([a], [b]) => (a < b ? -1 : 1))), denied, withheld: saved.withheld }
}

interface SavedTexts {
  readonly documents: readonly SavedDocument[]
  readonly denied: readonly string[]
  readonly withheld: ReadonlyMap<string, string>
}

function readSaved(text: string): SavedTexts | undefined {
  try {
    const { version, documents, denied, withheld } = JSON.parse(text) as Readonly<Record<string, unknown>>
    if (version !== 1 || !Array.isArray(documents) || !documents.every(isSavedDocument)) return undefined
    const files = Object.entries(typeof withheld === 'object' ? { ...withheld } : {})
    return {
      documents,
      denied: Array.isArray(denied) ? denied.filter((key) => typeof key === 'string') : [],
      withheld: new Map(files.filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
    }
  } catch {
    return undefined
  }
}

function isSavedDocument(value: unknown): value is SavedDocument {
  if (typeof value !== 'object' || value === null) return false
  const { file, firstLine, text, keys } = value as Readonly<Record<string, unknown>>
  return typeof file === 'string' && typeof firstLine === 'number' && typeof text === 'string' && Array.isArray(keys)
}
