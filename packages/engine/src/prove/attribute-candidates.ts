// Values to try for an attribute in place of what was seen: what its kind can really be, not only what a test would take.
import type { Attribute, ValueTest } from '../predicate.ts'
import { candidateValues } from './example-text.ts'

/** RFC 9110 section 9, and PATCH (RFC 5789): other methods are refused before any rule is asked. */
const methods = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE'] as const

const spiffeId = /^spiffe:\/\/[^/]+\/ns\/[^/]+\/sa\/[^/]+$/

/** Values that may pass (or fail, when `holds` is false); undefined means: remove. Callers check each one. */
export function attributeCandidates(
  attribute: Attribute,
  test: ValueTest,
  seen: string | undefined,
  holds: boolean,
): readonly (string | undefined)[] {
  if (attribute.name === 'request.method') return methods
  const values = candidateValues(test, seen, holds)
  if (attribute.name === 'request.path' && holds) return [...values, ...withQuery(test, seen)]
  return attribute.name === 'source.principal' ? principals(values, seen) : values
}

/** The path that was seen, which another condition may insist on, with a query that ends as the value does. */
function withQuery(test: ValueTest, seen = ''): readonly string[] {
  const path = seen.replace(/\?.*$/, '')
  return test.is === 'suffix' || test.is === 'contains' ? [`${path}?${test.value}`] : []
}

/** Identities of workloads that hold the values, before anything else; none at all last, since a listener may insist on one. */
function principals(
  values: readonly (string | undefined)[],
  seen: string | undefined,
): readonly (string | undefined)[] {
  const texts = values.filter((value) => value !== undefined)
  const known = [seen ?? '', ...texts].map((text) => /^spiffe:\/\/([^/]+)\//.exec(text)?.[1])
  const domain = `spiffe://${known.find((one) => one !== undefined) ?? 'cluster.local'}`
  const shaped = ['', ...texts].flatMap((value) => [
    value,
    `${value}sa/x`,
    `${value}/sa/x`,
    `${domain}${value}`,
    `${domain}${value}sa/x`,
    `${domain}${value}/sa/x`,
    `${domain}/ns/x${value}`,
    `${domain}/ns/x/sa/x${value}`,
  ])
  const exchanged = texts.flatMap((value) => withPart(seen ?? '', value))
  return [...[...exchanged, ...shaped].filter((value) => spiffeId.test(value)), ...texts, undefined]
}

/** The identity that was seen with the namespace or account of the value, so that what another condition asks of the rest still holds. */
function withPart(seen: string, value: string): readonly string[] {
  const [, domain, namespace, account] = /^(spiffe:\/\/[^/]+)\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(seen) ?? []
  if (domain === undefined) return []
  const wanted = /\/ns\/([^/]+)/.exec(value)?.[1] ?? /^([^/]+)\/sa\//.exec(value)?.[1]
  return [`${domain}/ns/${wanted ?? namespace}/sa/${/\/sa\/([^/]+)/.exec(value)?.[1] ?? account}`]
}
