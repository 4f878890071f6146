// `requests.yaml` of a golden case: requests and what becomes of them, written by hand from what the case says.
import { parse } from 'yaml'
import type { TestRequest } from '../differential/generate-request.ts'
import type { WireAnswer } from '../differential/wire-arm.ts'

/** One of them. */
export interface Said {
  readonly request: TestRequest
  /** What must be as written; the rest is left to `explain`. */
  readonly gets: Readonly<Record<string, unknown>>
}

interface Written {
  /** `GET http://host/path` */
  readonly ask: string
  readonly with?: Readonly<Record<string, string>>
  readonly gets: Readonly<Record<string, unknown>>
}

/** Reads the file. */
export function saidRequests(text: string): readonly Said[] {
  return (parse(text) as readonly Written[]).map(({ ask, with: headers = {}, gets }) => {
    const [, method = '', authority = '', target = ''] = /^([A-Z]+) http:\/\/([^/]+)(\/.*)$/.exec(ask) ?? []
    const unknown = Object.keys(gets).filter((name) => !(name in readers))
    if (target === '' || unknown.length > 0)
      throw new Error(`requests.yaml: ${ask}: ${unknown.join(', ') || 'is no request'}`)
    return { request: { method, target, authority, headers: Object.entries(headers), identity: undefined }, gets }
  })
}

const readers: Readonly<Record<string, (answer: WireAnswer['answer'], name: string) => unknown>> = {
  status: ({ status }) => status,
  route: ({ route }) => route,
  location: ({ location }) => location,
  body: ({ body }) => body,
  headers: ({ headers }) => headers,
  cluster: ({ cluster }) => cluster,
  path: ({ upstream }) => upstream?.path,
  authority: ({ upstream }) => upstream?.authority,
  sent: ({ upstream }) => upstream?.headers,
  attempts: ({ upstream }) => upstream?.attempts,
}

/** What an answer has instead; of headers those are looked at that are written, null means none. Empty: it is as said. */
export function unlike({ gets }: Said, { answer }: WireAnswer): readonly string[] {
  return Object.entries(gets).flatMap(([name, wanted]) => {
    const seen = readers[name]?.(answer, name)
    const pairs: readonly (readonly [unknown, unknown])[] = isRecord(wanted)
      ? Object.entries(wanted).map(([key, value]) => [value, isRecord(seen) ? seen[key] : undefined])
      : [[wanted, seen]]
    return pairs.some(([one, other]) => (one ?? undefined) !== other)
      ? [`${name}: said ${JSON.stringify(wanted)}, seen ${JSON.stringify(seen)}`]
      : []
  })
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
