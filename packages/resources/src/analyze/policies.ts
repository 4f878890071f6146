// What the security kinds select and name.
import { selectsLabels } from '../core/service/selection.ts'
import type { MeshObject } from '../mesh-object.ts'
import { rootNamespace } from '../networking/host-names.ts'
import { didYouMean } from '../schema/did-you-mean.ts'
import type { AuthorizationPolicySpec, Source } from '../security/authorization-policy/types.ts'
import type { PeerAuthenticationSpec } from '../security/peer-authentication/types.ts'
import type { WorkloadSpec } from '../weft/workload/types.ts'
import type { MeshIndex, ReferenceFault } from './mesh-index.ts'
import { shownLabels } from './workload-references.ts'

/** Workloads a security object applies to; undefined when its selector selects none. */
function* checkSelector(
  { spec, id }: MeshObject<{ readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> } }>,
  index: MeshIndex,
): Generator<ReferenceFault, readonly MeshObject<WorkloadSpec>[]> {
  const labels = spec.selector?.matchLabels ?? {}
  const here = index.workloads.filter(
    (workload) => id.namespace === rootNamespace || workload.id.namespace === id.namespace,
  )
  const selected = here.filter((workload) => selectsLabels(labels, workload.labels))
  if (selected.length > 0 || Object.keys(labels).length === 0) return selected
  const message = `no Workload of namespace ${id.namespace} carries ${shownLabels(labels)}`
  const mend = 'Correct the selector, or add the labels to a Workload.'
  yield { severity: 'warning', code: 'selects-nothing', field: 'spec.selector', message, mend }
  return selected
}

/** Reference faults of one PeerAuthentication. */
export function* checkPeerAuthentication(
  object: MeshObject<PeerAuthenticationSpec>,
  index: MeshIndex,
): Iterable<ReferenceFault> {
  const selected = yield* checkSelector(object, index)
  if (selected.length === 0) return
  const ports = new Set(selected.flatMap((workload) => workload.spec.ports.map(({ port }) => String(port))))
  for (const port of Object.keys(object.spec.portLevelMtls)) {
    if (ports.has(port)) continue
    const message = `no selected Workload listens on port ${port} (these are workload ports, not Service ports)`
    const mend = `Use ${[...ports].join(' or ')}.`
    yield { severity: 'warning', code: 'unknown-port', field: `spec.portLevelMtls["${port}"]`, message, mend }
  }
}

/** Reference faults of one AuthorizationPolicy. */
export function* checkAuthorizationPolicy(
  object: MeshObject<AuthorizationPolicySpec>,
  index: MeshIndex,
): Iterable<ReferenceFault> {
  yield* checkSelector(object, index)
  for (const [i, rule] of object.spec.rules.entries()) {
    for (const [j, { source }] of (rule.from ?? []).entries()) {
      yield* checkSource(source, `spec.rules[${i}].from[${j}].source`, { namespace: object.id.namespace, index })
    }
  }
}

interface Known {
  readonly namespace: string
  readonly index: MeshIndex
}

/** Names that no workload has: a rule on them never matches, which for ALLOW is an outage and for DENY a hole. */
function* checkSource(source: Source, field: string, { namespace, index }: Known): Iterable<ReferenceFault> {
  const accounts = new Set(index.workloads.map(({ id, spec }) => `${id.namespace}/${spec.serviceAccount}`))
  const principals = [...accounts].map((each) => `cluster.local/ns/${each.replace('/', '/sa/')}`)
  const namespaces = [...new Set(index.workloads.map(({ id }) => id.namespace))]
  const qualified = (name: string): string => (name.includes('/') ? name : `${namespace}/${name}`)
  const checks: [keyof Source, readonly string[], (value: string) => string][] = [
    ['principals', principals, (value) => value],
    ['notPrincipals', principals, (value) => value],
    ['serviceAccounts', [...accounts], qualified],
    ['notServiceAccounts', [...accounts], qualified],
    ['namespaces', namespaces, (value) => value],
    ['notNamespaces', namespaces, (value) => value],
  ]
  for (const [member, known, key] of checks) {
    for (const [i, value] of (source[member] ?? []).entries()) {
      if (value.includes('*') || known.includes(key(value))) continue
      const meant = didYouMean(key(value), known)
      const mend = meant === undefined ? 'Correct it, or add the Workload.' : `Did you mean ${meant}?`
      const place = `${field}.${member}[${i}]`
      yield {
        severity: 'warning',
        code: 'unknown-principal',
        field: place,
        message: `no Workload runs as ${value}`,
        mend,
      }
    }
  }
}
