// Header changes of a route applied to lines, for comparing what an application or a client should see.
import { editHeaders, headerLevels, receivedValue, type Routed } from '@weft/engine'

/** Lower-case name and value. */
export type Line = readonly [name: string, value: string]

/** What substitutions read besides the lines that are changed. */
export interface EditFacts {
  /** The request's lines, when those of the response are changed. */
  readonly request?: readonly Line[]
  /** `:method`, `:path` and `:authority` as they are at that moment. */
  readonly pseudo: Readonly<Record<string, string>>
}

/** The lines after the changes of one direction. `%REQ(...)%` reads the request's lines as they are at that moment. */
export function editedHeaders(
  lines: readonly Line[],
  direction: 'request' | 'response',
  routed: Routed,
  facts: EditFacts,
): readonly Line[] {
  let now = [...lines]
  const response = lines
  editHeaders(
    direction,
    headerLevels(routed),
    {
      has: (name) => now.some(([key]) => key === name),
      add: (name, value) => void now.push([name, value]),
      set(name, value) {
        now = [...now.filter(([key]) => key !== name), [name, value]]
      },
      remove: (name) => void (now = now.filter(([key]) => key !== name)),
    },
    ({ operator, argument = '', maxLength }) => {
      const read = (from: readonly Line[], name: string): string | undefined =>
        facts.pseudo[name] ?? from.find(([key]) => key === name)?.[1]
      const first = (from: readonly Line[]): string | undefined =>
        argument
          .toLowerCase()
          .split('?')
          .map((name) => read(from, name))
          .find((value) => value !== undefined)
      if (operator === 'PROTOCOL') return 'HTTP/1.1'
      if (operator === 'ROUTE_NAME') return routed.route.name
      if (operator === 'REQ') return first(facts.request ?? now)?.slice(0, maxLength)
      return operator === 'RESP' ? first(response)?.slice(0, maxLength) : undefined
    },
  )
  return now.map(([name, value]): Line => [name, receivedValue(value)])
}
