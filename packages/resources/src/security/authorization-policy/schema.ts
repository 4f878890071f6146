// Schema of Istio's AuthorizationPolicy. What needs a JSON Web Token is refused by name: a policy is never half enforced.
import { didYouMean } from '../../schema/did-you-mean.ts'
import { formats, shown } from '../../schema/formats.ts'
import { type Finding, list, object, type Schema, text, word } from '../../schema/schema.ts'
import { selector } from '../selector-schema.ts'
import type { Condition, Source } from './types.ts'

const noTokens = 'JSON Web Tokens are not checked yet; use `principals` or `serviceAccounts`.'
const noForwarded = 'Addresses from X-Forwarded-For are not used yet; use `ipBlocks`.'

const oneTrustDomain = 'There is one trust domain for now; use `principals`.'

const values: Schema = list(text('not-empty'), { min: 1 })
const paths: Schema = list({ ...text('not-empty'), 'x-check': checkPath }, { min: 1 })
const ports: Schema = list(text('port-text'), { min: 1 })
const blocks: Schema = list(text('cidr'), { min: 1 })

const source = object(
  {
    principals: values,
    notPrincipals: values,
    namespaces: values,
    notNamespaces: values,
    serviceAccounts: list({ ...text(), 'x-check': checkServiceAccount }, { min: 1 }),
    notServiceAccounts: list({ ...text(), 'x-check': checkServiceAccount }, { min: 1 }),
    ipBlocks: blocks,
    notIpBlocks: blocks,
  },
  {
    unsupported: {
      requestPrincipals: noTokens,
      notRequestPrincipals: noTokens,
      remoteIpBlocks: noForwarded,
      notRemoteIpBlocks: noForwarded,
      trustDomains: oneTrustDomain,
      notTrustDomains: oneTrustDomain,
    },
    check: checkSource,
  },
)

const operation = object(
  {
    hosts: values,
    notHosts: values,
    ports,
    notPorts: ports,
    methods: values,
    notMethods: values,
    paths,
    notPaths: paths,
  },
  { check: notEmpty('Add `methods`, `paths`, `hosts` or `ports`, or remove the entry of `to`.') },
)

const condition = object({ key: text(), values, notValues: values }, { required: ['key'], check: checkCondition })

const rule = object({
  from: list(object({ source }, { required: ['source'] }), { min: 1 }),
  to: list(object({ operation }, { required: ['operation'] }), { min: 1 }),
  when: list(condition, { min: 1 }),
})

/** Schema of `spec`. */
export const authorizationPolicySchema: Schema = object(
  {
    selector,
    action: word(['ALLOW', 'DENY'], {
      AUDIT: 'Use ALLOW or DENY.',
      CUSTOM: 'Use ALLOW or DENY.',
    }),
    rules: list(rule),
  },
  {
    unsupported: {
      provider: 'Remove the field.',
      targetRef: 'Select workloads with `selector`.',
      targetRefs: 'Select workloads with `selector`.',
    },
    check: checkPolicy,
  },
)

function* checkPolicy(spec: { readonly action?: string; readonly rules?: readonly unknown[] }): Iterable<Finding> {
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
  if (!value.includes('{')) return
  const message = `${shown(value)} is a path template, which is not supported by Weft yet`
  yield { code: 'unsupported-value', message, mend: 'Use an exact path, /prefix/* or */suffix.' }
}

const conditionKeys = [
  'source.ip',
  'source.namespace',
  'source.principal',
  'destination.ip',
  'destination.port',
  'connection.sni',
]
const addressKeys = ['source.ip', 'destination.ip']

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
  if (!conditionKeys.includes(key)) {
    yield { at: ['key'], ...unknownKey(key) }
    return
  }
  const format = addressKeys.includes(key) ? 'cidr' : key === 'destination.port' ? 'port-text' : undefined
  if (format === undefined) return
  for (const field of ['values', 'notValues'] as const) {
    for (const [index, each] of (value[field] ?? []).entries()) {
      const fault = formats[format](each)
      if (fault !== undefined) yield { at: [field, index], ...fault }
    }
  }
}

function unknownKey(key: string): Finding {
  if (/^(request\.auth\.|experimental\.|remote\.ip$|source\.serviceAccount$|source\.trustDomain$)/.test(key)) {
    const mend = key.startsWith('request.auth.')
      ? noTokens
      : key === 'remote.ip'
        ? noForwarded
        : 'Use another condition.'
    return { code: 'unsupported-value', message: `${shown(key)} is not supported by Weft yet`, mend }
  }
  const meant = didYouMean(key, conditionKeys)
  const known = `${conditionKeys.join(', ')} or request.headers[name]`
  const mend = meant === undefined ? `Use ${known}.` : `Did you mean ${meant}?`
  return { code: 'unknown-value', message: `${shown(key)} is not a condition key`, mend }
}
