// SMI's TrafficTarget as AuthorizationPolicies that allow what it names. What has no counterpart stays out, and so is not allowed; where
// nothing is left, the policy allows nothing: a workload that a TrafficTarget is about is never open to all.
import type { MeshObject } from '../mesh-object.ts'
import type { SmiHttpMatch, TrafficTargetSpec } from '../smi/types.ts'
import { type ConversionNotes, type ConvertedObject, nameOf } from './conversion.ts'
import type { MeshLookup } from './mesh-lookup.ts'
import { isLiteral, unbound } from './smi-expressions.ts'
import { targetSelectors } from './target-selectors.ts'

type Target = MeshObject<TrafficTargetSpec>

interface Operation {
  readonly methods?: readonly string[]
  readonly paths?: readonly string[]
  readonly ports?: readonly string[]
}

interface Allowed {
  readonly operation: Operation
  readonly when: readonly { readonly key: string; readonly values: readonly string[] }[]
  /** Index of the rule of the TrafficTarget. */
  readonly rule: number
}

/** One AuthorizationPolicy per set of labels that workloads of the destination's ServiceAccount carry. */
export function convertTarget(target: Target, mesh: MeshLookup, notes: ConversionNotes): ConvertedObject[] {
  const { destination, sources } = target.spec
  const namespace = destination.namespace ?? target.id.namespace
  const selectors = targetSelectors(destination.name, namespace, mesh, notes)
  const allowed = sources.length === 0 ? [] : allowedBy(target, mesh, notes)
  const from = sources.map((source) => ({
    source: { serviceAccounts: [`${source.namespace ?? target.id.namespace}/${source.name}`] },
  }))
  const rules = allowed.map(({ operation, when }) => ({
    from,
    ...(Object.keys(operation).length === 0 ? {} : { to: [{ operation }] }),
    ...(when.length === 0 ? {} : { when }),
  }))
  return selectors.map(({ labels, exact }, index) => ({
    kind: 'AuthorizationPolicy',
    namespace,
    name: nameOf(target.id.name, ...(selectors.length > 1 ? [index + 1] : [])),
    spec: {
      ...(Object.keys(labels).length === 0 ? {} : { selector: { matchLabels: labels } }),
      action: 'ALLOW',
      rules: exact ? rules : [],
    },
    from: target.id,
    origins: exact ? allowed.map(({ rule }, at) => [`spec.rules[${at}]`, `spec.rules[${rule}]`]) : [],
  }))
}

function allowedBy(target: Target, mesh: MeshLookup, notes: ConversionNotes): Allowed[] {
  const ports = portsOf(target, mesh, notes)
  if (ports === undefined) return []
  const operation: Operation = ports.length === 0 ? {} : { ports: ports.map(String) }
  const { rules } = target.spec
  if (rules.some(({ kind }) => kind === 'HTTPRouteGroup')) {
    return rules.flatMap((rule, index) =>
      rule.kind === 'HTTPRouteGroup' ? allowedByGroup(target, index, operation, mesh, notes) : [],
    )
  }
  const rule = rules.findIndex(({ kind }) => kind === 'TCPRoute')
  return rule === -1 ? [] : [{ operation, when: [], rule }]
}

/** The ports that are meant, none for all; undefined when they cannot be known. */
function portsOf({ spec, id }: Target, mesh: MeshLookup, notes: ConversionNotes): readonly number[] | undefined {
  const ports = new Set<number>()
  let all = !spec.rules.some(({ kind }) => kind === 'TCPRoute')
  for (const [index, { kind, name }] of spec.rules.entries()) {
    if (kind === 'HTTPRouteGroup') continue
    const at = ['spec', 'rules', index]
    const route = mesh.find('SMITCPRoute', id.namespace, name)
    if (route === undefined) notes.lost(at, `there is no ${kind} ${name}`, 'Add it.')
    else if (route.spec.ports.length === 0) all = true
    else for (const port of route.spec.ports) ports.add(port)
  }
  if (spec.destination.port !== undefined) return [spec.destination.port]
  if (all) return []
  return ports.size === 0 ? undefined : [...ports].sort((a, b) => a - b)
}

function allowedByGroup(
  target: Target,
  index: number,
  ports: Operation,
  mesh: MeshLookup,
  notes: ConversionNotes,
): Allowed[] {
  const rule = target.spec.rules[index]
  const group = rule && mesh.find('HTTPRouteGroup', target.id.namespace, rule.name)
  if (rule === undefined || group === undefined) {
    notes.lost(['spec', 'rules', index], `there is no HTTPRouteGroup ${rule?.name}`, 'Add it.')
    return []
  }
  const names = rule.matches ?? []
  for (const name of names) {
    if (group.spec.matches.some((match) => match.name === name)) continue
    notes.lost(['spec', 'rules', index, 'matches'], `${group.id.name} has no match ${name}`, 'Correct the name.')
  }
  return group.spec.matches
    .filter(({ name }) => names.length === 0 || names.includes(name))
    .flatMap((match) => {
      const allowed = allowedByMatch(match, ports)
      if (typeof allowed !== 'string') return [{ ...allowed, rule: index }]
      const mend = 'Write a path or prefix without operators; the match is not allowed as it is.'
      notes.lost(['spec', 'rules', index], `match ${match.name}: ${allowed}`, mend)
      return []
    })
}

/** What an AuthorizationPolicy says of a match, or why it cannot. */
function allowedByMatch(match: SmiHttpMatch, ports: Operation): Omit<Allowed, 'rule'> | string {
  const paths = match.pathRegex === undefined ? [] : pathsOf(match.pathRegex)
  if (paths === undefined) return `no path of an AuthorizationPolicy says ${JSON.stringify(match.pathRegex)}`
  const when = Object.entries(match.headers).map(([name, value]) => ({ name, values: headerValues(value) }))
  const unsaid = when.find(({ values }) => values === undefined)
  if (unsaid !== undefined) return `no value of an AuthorizationPolicy says what header ${unsaid.name} must be`
  const { methods = ['*'] } = match
  const operation: Operation = {
    ...ports,
    ...(methods.includes('*') ? {} : { methods }),
    ...(paths.length === 0 ? {} : { paths }),
  }
  return {
    operation,
    when: when.map(({ name, values }) => ({ key: `request.headers[${name}]`, values: values ?? [] })),
  }
}

/** Paths of an AuthorizationPolicy for an expression bound to the start; none: every path; undefined: cannot be said. */
function pathsOf(expression: string): string[] | undefined {
  const body = unbound(expression)
  if (body === '' || /^\/?\.\*\$?$/.test(body)) return []
  if (isLiteral(body)) return [`${body}*`]
  const [, prefix] = /^(.*?)\.\*\$?$/.exec(body) ?? []
  if (prefix !== undefined && isLiteral(prefix)) return [`${prefix}*`]
  return body.endsWith('$') && isLiteral(body.slice(0, -1)) ? [body.slice(0, -1)] : undefined
}

/** Values of a condition for an expression that the whole header must fit. */
function headerValues(expression: string): string[] | undefined {
  const body = unbound(expression).replace(/\$$/, '')
  if (body === '.*') return ['*']
  if (isLiteral(body)) return [body]
  if (body.endsWith('.*') && isLiteral(body.slice(0, -2))) return [`${body.slice(0, -2)}*`]
  return body.startsWith('.*') && isLiteral(body.slice(2)) ? [`*${body.slice(2)}`] : undefined
}
