// Hostnames of listeners and routes. `*.example.com` stands for every name below example.com, at any depth; a listener
// without a hostname, and a route without hostnames, take all.

/** Whether `pattern` takes every name that `name` takes; undefined takes all. */
export function coversHostname(pattern: string | undefined, name: string | undefined): boolean {
  if (pattern === undefined) return true
  if (name === undefined) return false
  const [wide, narrow] = [pattern.toLowerCase(), name.toLowerCase()]
  if (!wide.startsWith('*.')) return wide === narrow
  return narrow.length > wide.length - 1 && narrow.endsWith(wide.slice(1))
}

/** The narrower of two hostnames when one covers the other. `any` when neither is given. */
export function commonHostname(a: string | undefined, b: string | undefined): string | undefined | 'none' {
  if (coversHostname(a, b)) return b?.toLowerCase()
  return coversHostname(b, a) ? a?.toLowerCase() : 'none'
}

/** The hostnames under which a route answers on a listener; `undefined` stands for all names. None: they do not meet. */
export function commonHostnames(
  listener: string | undefined,
  route: readonly string[] | undefined,
): (string | undefined)[] {
  const written: readonly (string | undefined)[] = route === undefined || route.length === 0 ? [undefined] : route
  const common = written.flatMap((hostname) => {
    const both = commonHostname(listener, hostname)
    return both === 'none' ? [] : [both]
  })
  return [...new Set(common)]
}

/** Orders hostnames from narrow to wide: exact ones, then longer wildcards, then none. */
export function byHostname(a: string | undefined, b: string | undefined): number {
  return specificity(b) - specificity(a) || ((a ?? '') < (b ?? '') ? -1 : (a ?? '') > (b ?? '') ? 1 : 0)
}

function specificity(hostname: string | undefined): number {
  if (hostname === undefined) return 0
  return hostname.startsWith('*.') ? hostname.length : 1000 + hostname.length
}
