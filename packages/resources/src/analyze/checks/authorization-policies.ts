// Whom AuthorizationPolicies hold for, and whom they name.
import { rootNamespace } from '../../networking/host-names.ts'
import { didYouMean } from '../../schema/did-you-mean.ts'
import type { Check, Fault } from '../check.ts'
import type { MeshView } from '../mesh-view.ts'
import { portFault, portsSelectedBy } from '../selected-ports.ts'
import { selectorField, selectorOf, shownLabels } from '../selectors.ts'
import { accountOf, topic } from '../topics.ts'
import { fieldsOf, fullKind, itemsOf, textsOf, type WrittenObject } from '../written-object.ts'
import { hasTarget } from './workload-selectors.ts'

function* checkSelector(policy: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const { id } = policy
  if (hasTarget(policy)) return
  const selector = selectorOf(policy)
  const everywhere = id.namespace === rootNamespace
  if (everywhere && Object.keys(selector).length === 0) return
  if (mesh.selected(id.namespace, selector).length > 0) return
  const where = everywhere ? 'the mesh' : `namespace ${id.namespace}`
  const empty = Object.keys(selector).length === 0
  const message = empty
    ? `nothing runs in ${where}, so it has no effect`
    : `no workload of ${where} carries ${shownLabels(selector)}, so it has no effect`
  const mend = empty
    ? 'Correct the namespace, or remove the policy.'
    : 'Correct the selector, or add the labels to a workload.'
  yield { code: 'IST0127', field: empty ? 'metadata.namespace' : selectorField(policy), message, mend }
}

function* checkNamespaces({ spec }: WrittenObject, mesh: MeshView): Iterable<Fault> {
  for (const { source, field } of sourcesOf(spec)) {
    for (const member of ['namespaces', 'notNamespaces']) {
      for (const [i, pattern] of textsOf(source[member]).entries()) {
        if (namespaceExists(pattern, mesh)) continue
        const holds = member === 'namespaces' ? 'never holds' : 'always holds'
        const message = `there is no namespace ${pattern}, so the condition ${holds}`
        const meant = didYouMean(pattern, knownNamespaces(mesh))
        const mend = meant === undefined ? 'Correct it, or add the namespace.' : `Did you mean ${meant}?`
        yield { code: 'IST0101', severity: 'warning', field: `${field}.${member}[${i}]`, message, mend }
      }
    }
  }
}

/** Namespaces are written as such, or known by what runs in them. */
function namespaceExists(pattern: string, mesh: MeshView): boolean {
  if (pattern === '*') return true
  if (!pattern.includes('*')) {
    return mesh.any(topic.one('Namespace', `default/${pattern}`)) || mesh.any(topic.carriers(pattern))
  }
  const fits = (name: string): boolean =>
    pattern.startsWith('*') ? name.endsWith(pattern.slice(1)) : name.startsWith(pattern.slice(0, -1))
  return knownNamespaces(mesh).some(fits)
}

function knownNamespaces(mesh: MeshView): string[] {
  const written = mesh.at(topic.kind('Namespace')).map(({ id }) => id.name)
  return [...new Set([...written, ...mesh.at(topic.carriers('*')).map(({ id }) => id.namespace)])]
}

/** Names that no workload has: a rule on them never matches, which for ALLOW is an outage and for DENY a hole. */
function* checkIdentities({ spec, id }: WrittenObject, mesh: MeshView): Iterable<Fault> {
  for (const { source, field } of sourcesOf(spec)) {
    for (const member of ['principals', 'notPrincipals', 'serviceAccounts', 'notServiceAccounts']) {
      for (const [i, value] of textsOf(source[member]).entries()) {
        const fault = unknownIdentity(value, member.toLowerCase().includes('principals'), id.namespace, mesh)
        if (fault !== undefined) yield { ...fault, field: `${field}.${member}[${i}]` }
      }
    }
  }
}

function unknownIdentity(
  value: string,
  isPrincipal: boolean,
  namespace: string,
  mesh: MeshView,
): Omit<Fault, 'field'> | undefined {
  if (value.includes('*')) return undefined
  const account = isPrincipal
    ? /^[^/]+\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(value)?.slice(1).join('/')
    : value.includes('/')
      ? value
      : `${namespace}/${value}`
  if (account === undefined || !mesh.any(topic.carriers('*'))) return undefined
  const [home = ''] = account.split('/')
  const here = mesh.at(topic.carriers(home))
  // Which account a pod template runs as may be settled elsewhere; our Workloads say it themselves.
  if (here.some(({ id }) => fullKind(id) !== 'Workload.weft.dev')) return undefined
  if (mesh.any(topic.one('ServiceAccount', account))) return undefined
  if (here.some((workload) => accountOf(workload) === account)) return undefined
  const everywhere = mesh.at(topic.carriers('*')).filter(({ id }) => fullKind(id) === 'Workload.weft.dev')
  if (everywhere.length === 0) return undefined
  const known = [...new Set(everywhere.map(accountOf))]
  const shown = isPrincipal ? known.map((each) => `cluster.local/ns/${each.replace('/', '/sa/')}`) : known
  const meant = didYouMean(isPrincipal ? value : account, shown)
  const mend = meant === undefined ? 'Correct it, or add the Workload.' : `Did you mean ${meant}?`
  return { code: 'WEFT0104', message: `no Workload runs as ${value}`, mend }
}

/** Ports on which nothing is reached: for ALLOW an outage, for DENY a hole. Mostly it is the port of a Service. */
function* checkPorts(policy: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const named = [...portsNamedBy(policy.spec)]
  if (named.length === 0 || hasTarget(policy)) return
  const ports = portsSelectedBy(policy, mesh)
  if (ports === undefined) return
  for (const { port, field } of named) {
    const fault = portFault(port, ports)
    if (fault !== undefined) yield { code: 'WEFT0101', severity: 'warning', field, ...fault }
  }
}

function* portsNamedBy(spec: WrittenObject['spec']): Iterable<{ readonly port: string; readonly field: string }> {
  for (const [i, rule] of itemsOf(spec['rules']).entries()) {
    for (const [j, to] of itemsOf(rule['to']).entries()) {
      yield* portsIn(fieldsOf(to['operation']), ['ports', 'notPorts'], `spec.rules[${i}].to[${j}].operation`)
    }
    for (const [j, condition] of itemsOf(rule['when']).entries()) {
      if (condition['key'] !== 'destination.port') continue
      yield* portsIn(condition, ['values', 'notValues'], `spec.rules[${i}].when[${j}]`)
    }
  }
}

function* portsIn(
  fields: WrittenObject['spec'],
  members: readonly string[],
  at: string,
): Iterable<{ readonly port: string; readonly field: string }> {
  for (const member of members) {
    for (const [i, port] of textsOf(fields[member]).entries()) yield { port, field: `${at}.${member}[${i}]` }
  }
}

function sourcesOf(spec: WrittenObject['spec']): { readonly source: WrittenObject['spec']; readonly field: string }[] {
  return itemsOf(spec['rules']).flatMap((rule, i) =>
    itemsOf(rule['from']).map((from, j) => ({
      source: fieldsOf(from['source']),
      field: `spec.rules[${i}].from[${j}].source`,
    })),
  )
}

const kinds = ['AuthorizationPolicy.security.istio.io']

/** Checks of AuthorizationPolicies. */
export const authorizationPolicies: readonly Check[] = [
  { name: 'authorization-policies', kinds, run: checkSelector },
  { name: 'authorization-policies', kinds, run: checkNamespaces },
  { name: 'authorization-identities', kinds, run: checkIdentities },
  { name: 'authorization-ports', kinds, run: checkPorts },
]
