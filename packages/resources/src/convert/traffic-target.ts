// SMI's TrafficTarget as AuthorizationPolicies that allow what it names. What has no counterpart stays out, and so is not allowed.
import { isKind } from '../kinds.ts'
import type { MeshObject } from '../mesh-object.ts'
import type { SmiHttpMatch, TrafficTargetSpec } from '../smi/types.ts'
import { type ConversionNotes, type ConvertedObject, nameOf } from './conversion.ts'
import { isLiteral, routeGroup, unbound } from './smi-groups.ts'

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
export function convertTarget(
  target: Target,
  objects: readonly MeshObject[],
  notes: ConversionNotes,
): ConvertedObject[] {
  const { destination, sources } = target.spec
  const namespace = destination.namespace ?? target.id.namespace
  const selectors = selectorsOf(destination.name, namespace, objects, notes)
  const allowed = allowedBy(target, objects, notes)
  if (allowed.length === 0 || sources.length === 0) return []
  const from = sources.map((source) => ({
    source: { serviceAccounts: [`${source.namespace ?? target.id.namespace}/${source.name}`] },
  }))
  const rules = allowed.map(({ operation, when }) => ({
    from,
    ...(Object.keys(operation).length === 0 ? {} : { to: [{ operation }] }),
    ...(when.length === 0 ? {} : { when }),
  }))
  return selectors.map((matchLabels, index) => ({
    kind: 'AuthorizationPolicy',
    namespace,
    name: nameOf(target.id.name, ...(selectors.length > 1 ? [index + 1] : [])),
    spec: { selector: { matchLabels }, action: 'ALLOW', rules },
    from: target.id,
    origins: allowed.map(({ rule }, at) => [`spec.rules[${at}]`, `spec.rules[${rule}]`]),
  }))
}

type Labels = Readonly<Record<string, string>>

interface Carrier {
  readonly labels: Labels
  readonly serviceAccount: string
}

function carriersOf(namespace: string, objects: readonly MeshObject[]): Carrier[] {
  return objects.flatMap((object) => {
    if (object.id.namespace !== namespace) return []
    if (isKind(object, 'Workload')) return [{ labels: object.labels, serviceAccount: object.spec.serviceAccount }]
    if (isKind(object, 'Pod')) return [{ labels: object.labels, serviceAccount: object.spec.serviceAccountName }]
    return []
  })
}

/** Labels by which exactly the workloads of a ServiceAccount are selected. */
function selectorsOf(
  account: string,
  namespace: string,
  objects: readonly MeshObject[],
  notes: ConversionNotes,
): Labels[] {
  const carriers = carriersOf(namespace, objects)
  const meant = carriers.filter(({ serviceAccount }) => serviceAccount === account)
  const at = ['spec', 'destination', 'name']
  if (meant.length === 0) {
    notes.lost(
      at,
      `no workload of ${namespace} has the ServiceAccount ${account}`,
      'Add the workload, or correct the name.',
    )
  }
  const found = new Map<string, Labels>()
  for (const { labels } of meant) {
    const other = carriers.find(
      ({ serviceAccount, labels: others }) =>
        serviceAccount !== account && Object.entries(labels).every(([key, value]) => others[key] === value),
    )
    if (Object.keys(labels).length > 0 && other === undefined) {
      found.set(JSON.stringify(Object.entries(labels).sort()), labels)
    } else {
      const message = 'a workload cannot be told by its labels from those of other ServiceAccounts'
      notes.lost(at, message, `Give the workloads of ${account} a label of their own.`)
    }
  }
  return [...found.values()]
}

function allowedBy(target: Target, objects: readonly MeshObject[], notes: ConversionNotes): Allowed[] {
  const { destination, rules } = target.spec
  const ports = new Set(destination.port === undefined ? [] : [destination.port])
  let everyPort = false
  const groups = rules.filter(({ kind }) => kind === 'HTTPRouteGroup')
  for (const [index, rule] of rules.entries()) {
    if (rule.kind === 'HTTPRouteGroup') continue
    const route = objects.find(
      (object) =>
        (isKind(object, 'SMITCPRoute') || isKind(object, 'SMIUDPRoute')) &&
        object.id.kind === rule.kind &&
        object.id.name === rule.name &&
        object.id.namespace === target.id.namespace,
    )
    const at = ['spec', 'rules', index]
    if (rule.kind === 'UDPRoute') notes.lost(at, 'datagrams are not authorized', 'Use TCP for what must be authorized.')
    else if (route === undefined) notes.lost(at, `there is no ${rule.kind} ${rule.name}`, 'Add it.')
    else {
      const own = (route.spec as { readonly ports: readonly number[] }).ports
      if (own.length === 0) everyPort = true
      for (const port of own) ports.add(port)
    }
  }
  const narrowed = everyPort && destination.port === undefined ? [] : [...ports].sort((a, b) => a - b).map(String)
  const operation: Operation = narrowed.length === 0 ? {} : { ports: narrowed }
  if (groups.length === 0) {
    const rule = rules.findIndex(({ kind }) => kind === 'TCPRoute')
    return rule === -1 || (narrowed.length === 0 && !everyPort) ? [] : [{ operation, when: [], rule }]
  }
  return rules.flatMap((rule, index) =>
    rule.kind === 'HTTPRouteGroup' ? allowedByGroup(target, index, operation, objects, notes) : [],
  )
}

function allowedByGroup(
  target: Target,
  index: number,
  ports: Operation,
  objects: readonly MeshObject[],
  notes: ConversionNotes,
): Allowed[] {
  const rule = target.spec.rules[index]
  const group = rule && routeGroup(objects, target.id.namespace, rule.name)
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
