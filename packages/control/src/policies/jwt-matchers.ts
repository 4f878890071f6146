// What tokens say, as matchers on the payload that the JWT filter leaves in the request's metadata.
import type { MetadataMatcherSchema } from '@weft/xds/es/envoy/type/matcher/v3/metadata'
import type { Init } from '../generators/init.ts'
import { allOfPrincipals, anyOfPrincipals, type PrincipalInit, wildcard } from './rbac-matchers.ts'

/** Name of the JWT filter, under which it leaves payloads. */
export const jwtFilter = 'envoy.filters.http.jwt_authn'

/** Key of the payload below it. */
export const payloadKey = 'payload'

type StringMatcherInit = ReturnType<typeof wildcard>

/** A claim that is this text, or a list that holds it. */
export function claim(path: readonly string[], value: string): PrincipalInit {
  return claimMatching(path, wildcard(value))
}

function claimMatching(path: readonly string[], text: StringMatcherInit): PrincipalInit {
  const stringMatch = { matchPattern: { case: 'stringMatch' as const, value: text } }
  const listMatch = {
    matchPattern: {
      case: 'listMatch' as const,
      value: { matchPattern: { case: 'oneOf' as const, value: stringMatch } },
    },
  }
  return anyOfPrincipals([onPayload(path, stringMatch), onPayload(path, listMatch)], false)
}

function onPayload(
  path: readonly string[],
  value: NonNullable<Init<typeof MetadataMatcherSchema>['value']>,
): PrincipalInit {
  const steps = [payloadKey, ...path].map((key) => ({ segment: { case: 'key' as const, value: key } }))
  return { identifier: { case: 'metadata', value: { filter: jwtFilter, path: steps, value } } }
}

/**
 * Issuer and subject, as `issuer/subject` with Istio's wildcards. Both may hold slashes, so every place where the one may end
 * and the other begin counts.
 */
export function requestPrincipal(value: string): PrincipalInit {
  const both = (iss: StringMatcherInit, sub: StringMatcherInit): PrincipalInit =>
    allOfPrincipals([claimMatching(['iss'], iss), claimMatching(['sub'], sub)])
  const any = wildcard('*')
  if (value === '*') return both(any, any)
  const splits = Array.from(value.matchAll(/\//g), ({ index }) => index)
  const suffixes = value.startsWith('*')
  const prefixes = !suffixes && value.endsWith('*')
  const parts = splits.flatMap((at) => {
    const [iss, sub] = [value.slice(0, at), value.slice(at + 1)]
    return iss === '' || sub === '' ? [] : [both(wildcard(iss), wildcard(sub))]
  })
  // The wildcard may also swallow the slash between the two.
  if (suffixes) parts.push(both(any, wildcard(value)))
  if (prefixes) parts.push(both(wildcard(value), any))
  return parts.length === 0 ? nobody : anyOfPrincipals(parts, false)
}

const nobody: PrincipalInit = { identifier: { case: 'notId', value: { identifier: { case: 'any', value: true } } } }
