// Conditions in words.
import { attributeReader } from '../match/attribute.ts'
import { evaluate } from '../match/interpret.ts'
import type { Attribute, Predicate, ValueTest } from '../predicate.ts'
import type { Subject } from '../request-head.ts'
import type { FailedCondition } from './proof.ts'

/** `header x-user`, `path`, `query parameter page`, ... */
function attributeText(attribute: Attribute): string {
  switch (attribute.name) {
    case 'request.headers':
      return `header ${attribute.key}`
    case 'request.query_params':
      return `query parameter ${attribute.key}`
    case 'metadata':
      return `metadata ${attribute.filter} ${attribute.path.join('.')}`
    case 'random':
      return attribute.runtimeKey === '' ? 'random draw' : `random draw (runtime key ${attribute.runtimeKey})`
    default:
      return plainNames[attribute.name] ?? attribute.name
  }
}

const plainNames: Partial<Record<Attribute['name'], string>> = {
  'request.method': 'method',
  'request.path': 'path with query',
  'request.url_path': 'path',
  'request.query': 'query',
  'request.host': 'authority',
  'request.host_name': 'authority without port',
  'request.scheme': 'scheme',
  'source.address': 'client address',
  'source.direct_address': 'peer address',
  'source.principal': 'peer identity',
  'destination.address': 'destination address',
  'destination.port': 'destination port',
  'connection.requested_server_name': 'server name (SNI)',
  'connection.tls': 'TLS',
}

/** `is exactly "jason"`. */
export function testText(test: ValueTest): string {
  const quoted = (value: string, ignoreCase: boolean) => `${JSON.stringify(value)}${ignoreCase ? ' (any case)' : ''}`
  switch (test.is) {
    case 'exact':
      return `is exactly ${quoted(test.value, test.ignoreCase)}`
    case 'prefix':
      return `starts with ${quoted(test.value, test.ignoreCase)}`
    case 'suffix':
      return `ends with ${quoted(test.value, test.ignoreCase)}`
    case 'contains':
      return `contains ${quoted(test.value, test.ignoreCase)}`
    case 'path-prefix':
      return `is ${quoted(test.value, test.ignoreCase)} or below it`
    case 'regex':
      return `matches the whole of /${test.regex.source}/`
    case 'present':
      return 'is present'
    case 'absent':
      return 'is absent'
    case 'range':
      return test.end === test.start + 1 ? `is ${test.start}` : `is a number in [${test.start}, ${test.end})`
    case 'cidr':
      return `is in ${test.cidr.text}`
    case 'json':
      return `is ${JSON.stringify(test.value)}`
    case 'list':
      return `has an element that ${testText(test.any)}`
    case 'fraction':
      return `is below ${test.numerator} of ${test.denominator}`
  }
}

/** A whole rule in words. */
function predicateText(predicate: Predicate): string {
  switch (predicate.op) {
    case 'always':
      return 'anything'
    case 'never':
      return `nothing (${predicate.why})`
    case 'test':
      return `${attributeText(predicate.attribute)} ${testText(predicate.test)}`
    case 'not':
      return `not (${predicateText(predicate.not)})`
    case 'and':
      return predicate.all.map((one) => inner(one)).join(' and ') || 'anything'
    case 'or':
      return predicate.any.map((one) => inner(one)).join(' or ') || 'nothing'
  }
}

function inner(predicate: Predicate): string {
  const text = predicateText(predicate)
  return predicate.op === 'and' || predicate.op === 'or' ? `(${text})` : text
}

/** The parts of a rule that are not met, each with what was seen. Empty when the rule holds. */
export function failedConditions(predicate: Predicate, subject: Subject): readonly FailedCondition[] {
  if (evaluate(predicate, subject)) return []
  if (predicate.op === 'and') return predicate.all.flatMap((one) => failedConditions(one, subject))
  const attribute = firstAttribute(predicate)
  return [
    { condition: predicateText(predicate), seen: attribute === undefined ? undefined : seenText(attribute, subject) },
  ]
}

function seenText(attribute: Attribute, subject: Subject): string | undefined {
  if (attribute.name === 'source.principal') return subject.connection.peerNames.join(', ') || undefined
  return attributeReader(attribute)(subject)
}

function firstAttribute(predicate: Predicate): Attribute | undefined {
  switch (predicate.op) {
    case 'test':
      return predicate.attribute
    case 'not':
      return firstAttribute(predicate.not)
    case 'and':
    case 'or': {
      const parts = predicate.op === 'and' ? predicate.all : predicate.any
      const attributes = parts.map(firstAttribute).filter((one) => one !== undefined)
      const [first] = attributes
      const same = attributes.every((one) => first !== undefined && attributeText(one) === attributeText(first))
      return same ? first : undefined
    }
    default:
      return undefined
  }
}
