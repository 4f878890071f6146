// Values of AuthorizationPolicies that are valid and match nothing, whatever is asked. In a DENY rule each is a hole, so they are
// reported. `*` stands for anything at one end of a value only (Istio's wildcards); elsewhere it is a character like others.
import { shown } from '../../schema/shaped.ts'
import type { Finding } from '../../schema/schema.ts'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']

/** Whether `*` stands where it is no wildcard. */
function strayAsterisk(value: string): boolean {
  const text = value.startsWith('*') ? value.slice(1) : value.endsWith('*') ? value.slice(0, -1) : value
  return text.includes('*')
}

function never(value: string, why: string, mend: string): Finding {
  return { severity: 'warning', code: 'no-effect', message: `${shown(value)} matches nothing: ${why}`, mend }
}

function* stray(value: string, what: string): Iterable<Finding> {
  if (strayAsterisk(value)) {
    yield never(value, `\`*\` is a wildcard only at one end, and ${what} with that character is not asked for`, oneEnd)
  }
}

const oneEnd = 'Leave `*` at the beginning or at the end only.'

/** Methods are case-sensitive. */
export function* checkMethod(value: string): Iterable<Finding> {
  const bare = value.replaceAll('*', '').toUpperCase()
  if (value === value.toUpperCase() || !methods.some((method) => method.includes(bare))) return
  yield never(value, 'methods are in capital letters', `Write ${value.toUpperCase()}.`)
}

/** Identities are matched without `spiffe://`. */
export function* checkPrincipal(value: string): Iterable<Finding> {
  if (value.startsWith('spiffe://')) {
    yield never(value, 'identities stand without their scheme', `Write ${value.slice('spiffe://'.length) || '*'}.`)
    return
  }
  yield* stray(value, 'an identity')
  if (value.includes('*') || value.includes('/')) return
  const mend = 'Write trust-domain/ns/namespace/sa/account, or name the account in `serviceAccounts`.'
  yield never(value, 'it is no identity', mend)
}

/** Hosts are as in requests: no scheme, no path. */
export function* checkHost(value: string): Iterable<Finding> {
  yield* stray(value, 'a host')
  if (value.includes('/')) yield never(value, 'a host has no scheme and no path', 'Write the host alone.')
}

/** Paths are matched without their query; templates are not judged here. */
export function* checkPlainPath(value: string): Iterable<Finding> {
  yield* stray(value, 'a path')
  if (!/^[/*]/.test(value)) yield never(value, 'paths begin with "/"', `Write /${value} or */${value}.`)
  else if (/[?#]/.test(value)) yield never(value, 'paths are matched without what follows ? or #', 'Leave that out.')
}
