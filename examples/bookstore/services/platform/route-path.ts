// Path patterns: `/books/:isbn/edition`.

export type PathParams = Readonly<Record<string, string>>

/** The values of the pattern's parameters, or undefined if the path is another one. */
export function matchRoute(pattern: string, path: string): PathParams | undefined {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? ''
    if (part.startsWith(':')) {
      const decoded = decodeSegment(value)
      if (decoded === undefined || decoded === '') return undefined
      params[part.slice(1)] = decoded
    } else if (part !== value) return undefined
  }
  return params
}

function decodeSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
