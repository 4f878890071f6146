// Schema of Istio's VirtualService.
import {
  doc,
  duplicates,
  exactlyOne,
  type Finding,
  integer,
  list,
  object,
  type Schema,
  text,
} from '../../schema/schema.ts'
import { destination, exportTo } from '../match-schema.ts'
import { corsPolicy, directResponse, fault, headers, mirroring, redirect, retries, rewrite } from './action-schema.ts'
import { gatewayNames, httpMatch, tcpMatch, tlsMatch } from './match-schema.ts'

const weight = doc('Share of the traffic; 100 for a single destination.', integer(0, 2_147_483_647))
const target = doc('Where the traffic goes.', destination)
const plainArms = doc(
  'Where connections go, by weight.',
  list(object({ destination: target, weight }, { required: ['destination'] }), { min: 1, check: checkWeights }),
)

const httpRoute = object(
  {
    name: doc('Name of the rule, in logs, metrics and `explain`.', text('not-empty')),
    match: doc('Conditions of which one must hold; none: every request.', list(httpMatch, { min: 1 })),
    route: doc(
      'Where requests go, by weight.',
      list(
        object(
          { destination: target, weight, headers: doc('Header changes for this destination.', headers) },
          { required: ['destination'] },
        ),
        { min: 1, check: checkWeights },
      ),
    ),
    redirect: doc('Answers with a redirect.', redirect),
    directResponse: doc('Answers without asking anyone.', directResponse),
    delegate: doc(
      'Another VirtualService, without hosts, that has the rules for these requests.',
      object(
        {
          name: doc('Its name.', text('dns-name')),
          namespace: doc('Its namespace; the own one unless written.', text('dns-label')),
        },
        { required: ['name'] },
      ),
    ),
    rewrite: doc('Changes path and host before sending on.', rewrite),
    timeout: doc('Time limit of the whole request, retries included; 0s or none: no limit.', text('duration')),
    retries: doc('Repeats failed requests; writing it says that they may be repeated.', retries),
    fault: doc('Makes requests fail or wait on purpose.', fault),
    ...mirroring,
    corsPolicy: doc('Answers to cross-origin requests of browsers.', corsPolicy),
    headers: doc('Header changes.', headers),
  },
  { check: checkHttpRoute },
)

const tcpRoute = object(
  { match: doc('Conditions of which one must hold.', list(tcpMatch, { min: 1 })), route: plainArms },
  { required: ['route'] },
)

const tlsRoute = object(
  { match: doc('Conditions of which one must hold.', list(tlsMatch, { min: 1 })), route: plainArms },
  { required: ['match'] },
)

/** Schema of `spec`. */
export const virtualServiceSchema: Schema = object(
  {
    hosts: doc(
      'Names whose traffic these rules are about; none in a delegate.',
      list(text('host'), { check: (hosts: readonly string[]) => duplicates(hosts, 'host') }),
    ),
    gateways: doc('Gateways that apply the rules, and `mesh` for sidecars; `mesh` unless written.', gatewayNames),
    http: doc('Rules for requests; the first that matches holds.', list(httpRoute)),
    tls: doc('Rules for TLS connections that are passed through, by server name.', list(tlsRoute)),
    tcp: doc('Rules for connections; the first that matches holds.', list(tcpRoute)),
    exportTo,
  },
  { check: checkVirtualService },
)

function* checkWeights(arms: readonly { readonly weight?: number }[]): Iterable<Finding> {
  const weights = arms.map((arm) => arm.weight ?? 0)
  const total = weights.reduce((sum, each) => sum + each, 0)
  if (arms.length === 1) {
    if (arms[0]?.weight === 0) {
      const message = 'is 0 on the only destination, which then gets everything all the same'
      yield { at: [0, 'weight'], severity: 'warning', code: 'bad-weight', message, mend: 'Remove the weight.' }
    }
    return
  }
  if (total === 0) {
    const message = 'the weights of the destinations are all 0 or missing, so no request could be sent'
    yield { code: 'bad-weight', message, mend: 'Give the destinations a `weight` each, summing to 100.' }
    return
  }
  if (total > 4_294_967_295) {
    yield { code: 'bad-weight', message: 'the weights sum to more than 4294967295', mend: 'Make them sum to 100.' }
    return
  }
  for (const [index, arm] of arms.entries()) {
    if (arm.weight !== undefined) continue
    const message = 'has no `weight`, so it gets nothing'
    const mend = 'Add a `weight`, or remove the destination.'
    yield { at: [index], severity: 'warning', code: 'bad-weight', message, mend }
  }
  if (total === 100) return
  const message = `the weights sum to ${total}, not 100: they are taken as shares (${shares(weights, total)})`
  yield { severity: 'warning', code: 'bad-weight', message, mend: 'Make them sum to 100.' }
}

function shares(weights: readonly number[], total: number): string {
  return weights.map((each) => `${Math.round((1000 * each) / total) / 10} %`).join(', ')
}

function* checkHttpRoute(rule: Readonly<Record<string, unknown>>): Iterable<Finding> {
  yield* exactlyOne(['route', 'redirect', 'directResponse', 'delegate'])(rule)
  if (rule['route'] !== undefined || rule['delegate'] !== undefined) return
  for (const field of ['rewrite', 'retries', 'timeout']) {
    if (rule[field] === undefined) continue
    const message = 'has no effect without `route`'
    yield { at: [field], code: 'conflicting-fields', message, mend: `Remove \`${field}\`, or add \`route\`.` }
  }
}

interface WrittenSpec {
  readonly hosts?: readonly string[]
  readonly gateways?: readonly string[]
  readonly http?: readonly { readonly name?: string; readonly delegate?: unknown }[]
  readonly tls?: readonly unknown[]
  readonly tcp?: readonly unknown[]
}

function* checkVirtualService(spec: WrittenSpec): Iterable<Finding> {
  if ((spec.http?.length ?? 0) + (spec.tcp?.length ?? 0) + (spec.tls?.length ?? 0) === 0) {
    yield { code: 'missing-field', message: 'has no routes', mend: 'Add `http` or `tcp` rules.' }
  }
  if ((spec.hosts?.length ?? 0) === 0) yield* checkDelegate(spec)
  yield* duplicates(spec.gateways ?? [], 'gateway', []).map((finding) => under('gateways', finding))
  const names = (spec.http ?? []).map((rule) => rule.name)
  yield* duplicates(names, 'name', ['name']).map((finding) => ({
    ...under('http', finding),
    severity: 'warning' as const,
  }))
  const inMesh = spec.gateways === undefined || spec.gateways.includes('mesh')
  const everything = spec.hosts?.indexOf('*') ?? -1
  if (inMesh && everything !== -1) {
    const message = '"*" would take over every host inside the mesh'
    yield {
      at: ['hosts', everything],
      code: 'bad-host',
      message,
      mend: 'Name the hosts, or name a gateway in `gateways`.',
    }
  }
}

/** Without hosts it is what others delegate to: it has no traffic of its own. */
function* checkDelegate(spec: WrittenSpec): Iterable<Finding> {
  for (const field of ['gateways', 'tcp', 'tls'] as const) {
    if (spec[field] === undefined) continue
    const message = 'has no effect without `hosts`: other VirtualServices delegate their requests to this one'
    yield { at: [field], code: 'conflicting-fields', message, mend: `Remove \`${field}\`, or add \`hosts\`.` }
  }
  for (const [index, rule] of (spec.http ?? []).entries()) {
    if (rule.delegate === undefined) continue
    const message = 'stands in a VirtualService without `hosts`, to which others delegate: delegates do not delegate on'
    const mend = 'Write the routes here, or add `hosts`.'
    yield { at: ['http', index, 'delegate'], code: 'conflicting-fields', message, mend }
  }
}

function under(field: string, finding: Finding): Finding {
  return { ...finding, at: [field, ...(finding.at ?? [])] }
}
