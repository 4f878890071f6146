// Path patterns: `/books/:isbn/edition`.

export type PathParams = Readonly<Record<string, string>>

/** The values of a pattern's parameters for a path that was parted at its slashes, or undefined if the path is another one. */
export type RouteMatcher = (segments: readonly string[]) => PathParams | undefined

/** Reads a pattern once, for all the paths that will be held against it. */
export function routeMatcher(pattern: string): RouteMatcher {
  const wanted = pattern.split('/')
  const fixed = wanted.flatMap((text, index) => (text.startsWith(':') ? [] : [{ index, text }]))
  const named = wanted.flatMap((text, index) => (text.startsWith(':') ? [{ index, name: text.slice(1) }] : []))
  return (segments) => {
    if (segments.length !== wanted.length) return undefined
    for (const { index, text } of fixed) if (segments[index] !== text) return undefined
    const params: Record<string, string> = {}
    for (const { index, name } of named) {
      const value = decodeSegment(segments[index] ?? '')
      if (value === undefined || value === '') return undefined
      params[name] = value
    }
    return params
  }
}

function decodeSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
