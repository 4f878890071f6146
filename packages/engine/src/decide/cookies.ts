// Cookies that requests carry, and that answers set.
import type { MadeCookie } from '../model.ts'
import type { RequestHead } from '../request-head.ts'

/** The first cookie of this name, without quotes around it; white space behind the equals sign is its own, as in Envoy. */
export function cookieValue(head: RequestHead, name: string): string | undefined {
  for (let at = 0, line = head.headerLine('cookie', 0); line !== undefined; line = head.headerLine('cookie', ++at)) {
    for (const pair of line.split(';')) {
      const equals = pair.indexOf('=')
      if (equals < 0 || pair.slice(0, equals).trimStart() !== name) continue
      const value = pair.slice(equals + 1)
      const bare = value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
      return bare === '' ? undefined : bare
    }
  }
  return undefined
}

/** The value of `set-cookie`. */
export function setCookie(name: string, value: string, { ttlMs, path, attributes }: MadeCookie): string {
  const parts = [`${name}="${value}"`]
  const seconds = Math.floor(ttlMs / 1000)
  if (seconds > 0) parts.push(`Max-Age=${seconds}`)
  if (path !== '') parts.push(`Path=${path}`)
  for (const attribute of attributes)
    parts.push(attribute.value === '' ? attribute.name : `${attribute.name}=${attribute.value}`)
  parts.push('HttpOnly')
  return parts.join('; ')
}
