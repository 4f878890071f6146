// Paths with `{*}` and `{**}` in AuthorizationPolicies. Envoy must never get one that it cannot read: it does not refuse that, it dies of it.
import { shown } from '../../schema/shaped.ts'

/** Characters of Envoy's template, in which `{*}` is one asterisk shorter each side. */
const maxLength = 256

/** What may stand in a segment: what RFC 3986 lets stand in a path without being escaped, and `%`. */
const plainSegment = /^[A-Za-z0-9\-._~%!$&'()+,;=:@]*$/

/**
 * Why a path with braces is no template, in Istio's grammar (`{*}` is one segment, `{**}` the rest) and with the characters of
 * Envoy's; undefined when it is one.
 */
export function templateMistake(value: string): string | undefined {
  if (!value.startsWith('/')) return 'is a path template that does not begin with "/"'
  const segments = value.slice(1).split('/')
  if (segments.filter((segment) => segment === '{**}').length > 1) return 'is a path template with more than one {**}'
  const isOperator = (segment: string): boolean => segment === '{*}' || segment === '{**}'
  const odd = segments.find((segment) => /[{}*]/.test(segment) && !isOperator(segment))
  if (odd !== undefined) return `is a path template whose segment ${shown(odd)} is neither text nor {*} nor {**}`
  const rest = segments.indexOf('{**}')
  if (rest >= 0 && segments.slice(rest + 1).includes('{*}')) return 'is a path template with {*} after {**}'
  if (segments.slice(0, -1).includes('')) return 'is a path template with an empty segment'
  const unfit = segments.find((segment) => !isOperator(segment) && !plainSegment.test(segment))
  if (unfit !== undefined)
    return `is a path template whose segment ${shown(unfit)} has characters that a path holds as %XX only`
  const length = value.replaceAll(/[{}]/g, '').length
  return length > maxLength ? `is a path template of more than ${maxLength} characters` : undefined
}
