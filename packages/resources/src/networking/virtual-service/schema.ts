// Schema of Istio's VirtualService.
import {
  duplicates,
  exactlyOne,
  type Finding,
  integer,
  list,
  object,
  portNumber,
  type Schema,
  text,
} from '../../schema/schema.ts'
import { exportTo } from '../match-schema.ts'
import { directResponse, fault, headers, redirect, retries, rewrite } from './action-schema.ts'
import { gatewayNames, httpMatch, tcpMatch } from './match-schema.ts'

const destination = object(
  { host: text('host'), subset: text('dns-label'), port: object({ number: portNumber }, { required: ['number'] }) },
  { required: ['host'] },
)

const weight = integer(0, 2_147_483_647)

const httpRoute = object(
  {
    name: text('not-empty'),
    match: list(httpMatch, { min: 1 }),
    route: list(object({ destination, weight, headers }, { required: ['destination'] }), {
      min: 1,
      check: checkWeights,
    }),
    redirect,
    directResponse,
    rewrite,
    timeout: text('duration'),
    retries,
    fault,
    headers,
  },
  {
    unsupported: {
      delegate: 'Write the routes in this VirtualService.',
      mirror: 'Remove the field.',
      mirrors: 'Remove the field.',
      mirrorPercent: 'Remove the field.',
      mirror_percent: 'Remove the field.',
      mirrorPercentage: 'Remove the field.',
      corsPolicy: 'Let the application answer CORS requests for now.',
    },
    check: checkHttpRoute,
  },
)

const tcpRoute = object(
  {
    match: list(tcpMatch, { min: 1 }),
    route: list(object({ destination, weight }, { required: ['destination'] }), { min: 1, check: checkWeights }),
  },
  { required: ['route'] },
)

/** Schema of `spec`. */
export const virtualServiceSchema: Schema = object(
  {
    hosts: list(text('host'), { min: 1, check: (hosts: readonly string[]) => duplicates(hosts, 'host') }),
    gateways: gatewayNames,
    http: list(httpRoute),
    tcp: list(tcpRoute),
    exportTo,
  },
  {
    required: ['hosts'],
    unsupported: { tls: 'Use `http` or `tcp`.' },
    check: checkVirtualService,
  },
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
  yield* exactlyOne(['route', 'redirect', 'directResponse'])(rule)
  if (rule['route'] !== undefined) return
  for (const field of ['rewrite', 'retries', 'timeout']) {
    if (rule[field] === undefined) continue
    const message = 'has no effect without `route`'
    yield { at: [field], code: 'conflicting-fields', message, mend: `Remove \`${field}\`, or add \`route\`.` }
  }
}

interface WrittenSpec {
  readonly hosts: readonly string[]
  readonly gateways?: readonly string[]
  readonly http?: readonly { readonly name?: string }[]
  readonly tcp?: readonly unknown[]
}

function* checkVirtualService(spec: WrittenSpec): Iterable<Finding> {
  if ((spec.http?.length ?? 0) + (spec.tcp?.length ?? 0) === 0) {
    yield { code: 'missing-field', message: 'has no routes', mend: 'Add `http` or `tcp` rules.' }
  }
  yield* duplicates(spec.gateways ?? [], 'gateway', []).map((finding) => under('gateways', finding))
  const names = (spec.http ?? []).map((rule) => rule.name)
  yield* duplicates(names, 'name', ['name']).map((finding) => ({
    ...under('http', finding),
    severity: 'warning' as const,
  }))
  const inMesh = spec.gateways === undefined || spec.gateways.includes('mesh')
  const everything = spec.hosts.indexOf('*')
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

function under(field: string, finding: Finding): Finding {
  return { ...finding, at: [field, ...(finding.at ?? [])] }
}
