// Schema of Istio's AuthorizationPolicy. What needs a JSON Web Token is refused by name: a policy is never half enforced.
import { didYouMean } from '../../schema/did-you-mean.ts'
import { formats } from '../../schema/formats.ts'
import { shown } from '../../schema/shaped.ts'
import { refusedOnWeftFinding } from '../../schema/describe-effect.ts'
import { doc, type Finding, list, object, refusedOnWeft, type Schema, text, word } from '../../schema/schema.ts'
import { oneSelection } from '../../networking/match-schema.ts'
import { targetFields } from '../../networking/target-reference.ts'
import { selector } from '../selector-schema.ts'
import { checkHost, checkMethod, checkPlainPath, checkPrincipal } from './never-matches.ts'
import { templateMistake } from './path-template.ts'
import { type Condition, filterCondition, type Source } from './types.ts'

const askNobody = 'Nobody outside is asked there; use ALLOW or DENY.'

const noTokens = 'JSON Web Tokens are not checked there; use `principals` or `serviceAccounts`.'
const noForwarded = 'Addresses from X-Forwarded-For are not used there; use `ipBlocks`.'
const noMetadata = 'Filters leave nothing for each other there; use request.headers[name].'
const noTemplates = 'Use an exact path, /prefix/* or */suffix.'

const values: Schema = list(text('not-empty'), { min: 1 })
const principals: Schema = list({ ...text('not-empty'), 'x-check': checkPrincipal }, { min: 1 })
const hosts: Schema = list({ ...text('not-empty'), 'x-check': checkHost }, { min: 1 })
const methods: Schema = list({ ...text('not-empty'), 'x-check': checkMethod }, { min: 1 })
const paths: Schema = list({ ...text('not-empty'), 'x-check': checkPath }, { min: 1 })
const ports: Schema = list(text('port-text'), { min: 1 })
const blocks: Schema = list(text('cidr'), { min: 1 })

const accounts: Schema = list({ ...text(), 'x-check': checkServiceAccount }, { min: 1, max: 16 })

const source = object(
  {
    principals: doc('Identities, as trust-domain/ns/namespace/sa/account; `*` before or after.', principals),
    notPrincipals: doc('Identities it must not be.', principals),
    requestPrincipals: doc('Issuer and subject of the token.', refusedOnWeft(noTokens, values)),
    notRequestPrincipals: doc('Issuer and subject the token must not have.', refusedOnWeft(noTokens, values)),
    namespaces: doc('Namespaces of the caller.', values),
    notNamespaces: doc('Namespaces it must not be of.', values),
    serviceAccounts: doc('Service accounts, as account or namespace/account.', accounts),
    notServiceAccounts: doc('Service accounts it must not be.', accounts),
    ipBlocks: doc('Addresses the connection comes from.', blocks),
    notIpBlocks: doc('Addresses it must not come from.', blocks),
    remoteIpBlocks: doc('Addresses of the original client.', refusedOnWeft(noForwarded, blocks)),
    notRemoteIpBlocks: doc('Addresses the original client must not have.', refusedOnWeft(noForwarded, blocks)),
    trustDomains: doc('Trust domains of the caller.', values),
    notTrustDomains: doc('Trust domains it must not be of.', values),
  },
  { check: checkSource },
)

const operation = object(
  {
    hosts: doc('Hosts that the request names; `*` before or after.', hosts),
    notHosts: doc('Hosts it must not name.', hosts),
    ports: doc('Ports of the workload.', ports),
    notPorts: doc('Ports it must not be.', ports),
    methods: doc('Methods; `*` before or after.', methods),
    notMethods: doc('Methods it must not have.', methods),
    paths: doc('Paths; `*` before or after.', paths),
    notPaths: doc('Paths it must not have.', paths),
  },
  { check: notEmpty('Add `methods`, `paths`, `hosts` or `ports`, or remove the entry of `to`.') },
)

const condition = object(
  {
    key: doc('Attribute, such as source.ip or request.headers[x-user].', text()),
    values: doc('Values of which it must have one.', values),
    notValues: doc('Values it must not have.', values),
  },
  { required: ['key'], check: checkCondition },
)

const rule = object({
  from: doc(
    'Callers, of which one must match.',
    list(object({ source: doc('Who asks.', source) }, { required: ['source'] }), { min: 1, max: 512 }),
  ),
  to: doc(
    'Requests, of which one must match.',
    list(object({ operation: doc('What is asked for.', operation) }, { required: ['operation'] }), { min: 1 }),
  ),
  when: doc('Conditions that must all hold.', list(condition, { min: 1 })),
})

/** Schema of `spec`. */
export const authorizationPolicySchema: Schema = object(
  {
    selector,
    action: doc(
      'What happens to what matches: ALLOW it and nothing else, DENY it, ask a provider (CUSTOM), or mark it for the log (AUDIT).',
      {
        ...word(['ALLOW', 'DENY', 'AUDIT', 'CUSTOM']),
        'x-refused-weft-values': { AUDIT: 'Use ALLOW or DENY.', CUSTOM: askNobody },
      },
    ),
    rules: doc('What matches; `[{}]` is everything, none is nothing.', list(rule, { max: 512 })),
    provider: doc(
      'Who decides, for CUSTOM.',
      object({ name: doc('Its name among `extensionProviders` of the mesh settings.', text('not-empty')) }),
    ),
    ...targetFields,
  },
  { check: checkPolicy },
)

function* checkPolicy(spec: {
  readonly action?: string
  readonly rules?: readonly unknown[]
  readonly provider?: unknown
}): Iterable<Finding> {
  yield* oneSelection(spec)
  if (spec.action === 'CUSTOM' && spec.provider === undefined) {
    yield { code: 'missing-field', message: 'is CUSTOM without `provider`', mend: 'Add provider: { name: ... }.' }
  } else if (spec.action !== 'CUSTOM' && spec.provider !== undefined) {
    yield {
      at: ['provider'],
      code: 'conflicting-fields',
      message: 'has no effect without action: CUSTOM',
      mend: 'Remove it.',
    }
  }
  if (spec.action !== 'DENY' || (spec.rules?.length ?? 0) > 0) return
  const message = 'is DENY without `rules`, so it denies nothing'
  const mend = 'Add rules; `rules: [{}]` denies everything.'
  yield { at: ['action'], severity: 'warning', code: 'no-effect', message, mend }
}

function* checkSource(value: Source): Iterable<Finding> {
  yield* notEmpty('Add `principals`, `namespaces` or `ipBlocks`, or remove the entry of `from`.')(value)
  if (value.serviceAccounts === undefined && value.notServiceAccounts === undefined) return
  for (const other of ['principals', 'notPrincipals', 'namespaces', 'notNamespaces'] as const) {
    if (value[other] === undefined) continue
    const message = 'cannot stand beside `serviceAccounts`, which names both already'
    yield { at: [other], code: 'conflicting-fields', message, mend: 'Keep one of the two.' }
  }
}

/** Envoy would match everything with an empty source or operation: that is never meant. */
function notEmpty(mend: string): (value: object) => Iterable<Finding> {
  return (value) => (Object.keys(value).length > 0 ? [] : [{ code: 'empty', message: 'is empty', mend }])
}

function* checkServiceAccount(value: string): Iterable<Finding> {
  const parts = value.split('/')
  if (parts.length <= 2 && parts.every((part) => formats['dns-name'](part) === undefined)) return
  const message = `${shown(value)} is not a service account`
  yield { code: 'bad-format', message, mend: 'Write name, or namespace/name; no wildcards.' }
}

function* checkPath(value: string): Iterable<Finding> {
  if (!/[{}]/.test(value)) {
    yield* checkPlainPath(value)
    return
  }
  const mistake = templateMistake(value)
  if (mistake === undefined) yield refusedOnWeftFinding([], noTemplates)
  else yield { code: 'bad-format', message: `${shown(value)} ${mistake}`, mend: 'Write such as /books/{*}/pages/{**}.' }
}

const conditionKeys = [
  'source.ip',
  'source.namespace',
  'source.principal',
  'source.serviceAccount',
  'source.trustDomain',
  'remote.ip',
  'request.auth.principal',
  'request.auth.audiences',
  'request.auth.presenter',
  'destination.ip',
  'destination.port',
  'connection.sni',
]
const addressKeys = ['source.ip', 'remote.ip', 'destination.ip']

function* checkCondition(value: Condition): Iterable<Finding> {
  if (value.values === undefined && value.notValues === undefined) {
    yield { code: 'missing-field', message: 'has neither `values` nor `notValues`', mend: 'Add one of them.' }
  }
  const { key } = value
  const header = /^request\.headers\[([^[\]]+)\]$/.exec(key)?.[1]
  if (header !== undefined) {
    const fault = formats['header-name'](header)
    if (fault !== undefined) yield { at: ['key'], ...fault }
    return
  }
  const claim = /^request\.auth\.claims((?:\[[^[\]]+\])+)$/.test(key)
  if (claim || key.startsWith('request.auth.')) yield refusedOnWeftFinding(['key'], noTokens)
  if (key === 'remote.ip') yield refusedOnWeftFinding(['key'], noForwarded)
  const left = filterCondition.test(key)
  if (left) yield refusedOnWeftFinding(['key'], noMetadata)
  if (claim || left) return
  if (!conditionKeys.includes(key)) {
    yield { at: ['key'], ...unknownKey(key) }
    return
  }
  if (key === 'source.principal') yield* inBoth(value, checkPrincipal)
  const format = addressKeys.includes(key) ? 'cidr' : key === 'destination.port' ? 'port-text' : undefined
  if (format === undefined) return
  yield* inBoth(value, function* (each) {
    const fault = formats[format](each)
    if (fault !== undefined) yield fault
  })
}

/** What is found about each value of a condition. */
function* inBoth(condition: Condition, check: (value: string) => Iterable<Finding>): Iterable<Finding> {
  for (const field of ['values', 'notValues'] as const) {
    for (const [index, each] of (condition[field] ?? []).entries()) {
      for (const finding of check(each)) yield { ...finding, at: [field, index] }
    }
  }
}

function unknownKey(key: string): Finding {
  if (key.startsWith('experimental.')) {
    const message = `${shown(key)} is not a condition on the metadata of a filter`
    return { code: 'unknown-value', message, mend: 'Write experimental.envoy.filters.name[key].' }
  }
  const meant = didYouMean(key, conditionKeys)
  const known = `${conditionKeys.join(', ')}, request.auth.claims[name] or request.headers[name]`
  const mend = meant === undefined ? `Use ${known}.` : `Did you mean ${meant}?`
  return { code: 'unknown-value', message: `${shown(key)} is not a condition key`, mend }
}
