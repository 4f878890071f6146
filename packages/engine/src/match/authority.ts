// Parts of an authority (RFC 9110 7.2).

/** An authority without its port; `[::1]:80` becomes `[::1]`. */
export function withoutPort(authority: string): string {
  const colon = authority.lastIndexOf(':')
  if (colon < 0 || authority.endsWith(']')) return authority
  return /^\d*$/.test(authority.slice(colon + 1)) ? authority.slice(0, colon) : authority
}
