// Header changes of a route applied to lines, for comparing what an application or a client should see.
import { editHeaders, headerLevels, type Routed } from '@weft/engine'

/** Lower-case name and value. */
export type Line = readonly [name: string, value: string]

/** The lines after the changes of one direction. `%REQ(...)%` reads the request's lines as they are at that moment. */
export function editedHeaders(
  lines: readonly Line[],
  direction: 'request' | 'response',
  routed: Routed,
  request: readonly Line[] | undefined,
): readonly Line[] {
  let now = [...lines]
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
    ({ operator, argument }) => operatorValue(operator, argument, request ?? now),
  )
  return now
}

function operatorValue(operator: string, argument: string | undefined, request: readonly Line[]): string | undefined {
  if (operator === 'PROTOCOL') return 'HTTP/1.1'
  return operator === 'REQ' ? request.find(([name]) => name === argument?.toLowerCase())?.[1] : undefined
}
