// Policies that contradict each other: both are valid, and one of them is not obeyed.
import { selectsLabels } from '../../core/service/selection.ts'
import { resolveHost, rootNamespace } from '../../networking/host-names.ts'
import type { Check, Fault } from '../check.ts'
import type { MeshView } from '../mesh-view.ts'
import { portFault, portsSelectedBy } from '../selected-ports.ts'
import { selectorField, selectorOf, shownLabels } from '../selectors.ts'
import { runningLabels, topic } from '../topics.ts'
import { byAge, dig, fieldsOf, fullKind, itemsOf, nameOf, textOf, type WrittenObject } from '../written-object.ts'
import { hasTarget } from './workload-selectors.ts'

/** Two of one kind for one scope: one of them holds, the oldest. */
function* checkSameScope(object: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const kind = fullKind(object.id)
  const mine = shownLabels(selectorOf(object))
  const rival = mesh
    .at(topic.inNamespace(kind, object.id.namespace))
    .find((other) => other !== object && !hasTarget(other) && shownLabels(selectorOf(other)) === mine)
  if (rival === undefined || hasTarget(object)) return
  const [first = object] = [object, rival].sort(byAge)
  const message = `${object.id.kind} ${rival.id.name} holds for the same workloads; only ${first.id.name} takes effect, which is older or first by name`
  yield {
    code: 'WEFT0107',
    field: mine === '' ? 'spec' : selectorField(object),
    message,
    mend: 'Merge the two into one.',
  }
}

const peerAuthentication = 'PeerAuthentication.security.istio.io'

/** What a workload demands of its callers, where somebody wrote it: nearest selector first, then namespace, then mesh, the oldest of each. */
function demandedBy(workload: WrittenObject, mesh: MeshView): WrittenObject | undefined {
  const labels = runningLabels(workload) ?? {}
  const near = mesh.at(topic.inNamespace(peerAuthentication, workload.id.namespace))
  const root = mesh.at(topic.inNamespace(peerAuthentication, rootNamespace))
  const narrow = (object: WrittenObject): boolean => Object.keys(selectorOf(object)).length > 0
  const candidates = [
    near.filter((object) => narrow(object) && selectsLabels(selectorOf(object), labels)),
    near.filter((object) => !narrow(object)),
    root.filter((object) => !narrow(object)),
  ].flatMap((level) => [...level].sort(byAge).slice(0, 1))
  return candidates.find(({ spec }) => !['', 'UNSET'].includes(textOf(dig(spec, 'mtls', 'mode'))))
}

function* checkPlaintext(rule: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const mode = textOf(dig(rule.spec, 'trafficPolicy', 'tls', 'mode'))
  if (mode !== 'DISABLE' && mode !== 'SIMPLE') return
  const services = mesh
    .called(textOf(rule.spec['host']), rule.id.namespace)
    .filter(({ id }) => fullKind(id) === 'Service')
  for (const workload of services.flatMap((service) => mesh.behind(service))) {
    const demand = demandedBy(workload, mesh)
    if (demand === undefined || dig(demand.spec, 'mtls', 'mode') !== 'STRICT') continue
    const field = 'spec.trafficPolicy.tls.mode'
    const sends = mode === 'DISABLE' ? 'sends plain text' : 'presents no certificate'
    const message = `${sends} to ${workload.id.kind} ${nameOf(workload)}, which takes mutual TLS only (PeerAuthentication ${nameOf(demand)}): connections fail`
    yield {
      code: 'WEFT0107',
      field,
      message,
      mend: 'Write ISTIO_MUTUAL or remove `tls`, or relax the PeerAuthentication.',
    }
    return
  }
}

/** A DENY policy that takes everything leaves an ALLOW policy for the same workloads nothing to allow. */
function* checkDeniedAnyway(policy: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const { spec, id } = policy
  if (textOf(spec['action']) !== '' && spec['action'] !== 'ALLOW') return
  if (itemsOf(spec['rules']).length === 0 || hasTarget(policy)) return
  const kind = fullKind(id)
  const rivals = [...mesh.at(topic.inNamespace(kind, id.namespace)), ...mesh.at(topic.inNamespace(kind, rootNamespace))]
  const mine = selectorOf(policy)
  const denier = rivals.find(
    (other) => other.spec['action'] === 'DENY' && deniesAll(other) && selectsLabels(selectorOf(other), mine),
  )
  if (denier === undefined || hasTarget(denier)) return
  const message = `allows nothing: AuthorizationPolicy ${nameOf(denier)} denies every request to the same workloads, and a denial wins`
  yield { code: 'WEFT0107', field: 'spec.rules', message, mend: 'Remove one of the two, or narrow the denial.' }
}

function deniesAll({ spec }: WrittenObject): boolean {
  return itemsOf(spec['rules']).some((rule) => Object.keys(fieldsOf(rule)).length === 0)
}

/** Settings of one host in two rules: subsets add up, the rest of the later one is dropped. */
function* checkSameHost(rule: WrittenObject, mesh: MeshView): Iterable<Fault> {
  if (rule.spec['trafficPolicy'] === undefined || rule.spec['workloadSelector'] !== undefined) return
  const host = resolveHost(textOf(rule.spec['host']), rule.id.namespace)
  const rival = mesh
    .at(topic.destinationRule(host))
    .find(
      (other) =>
        other !== rule &&
        other.id.namespace === rule.id.namespace &&
        other.spec['trafficPolicy'] !== undefined &&
        other.spec['workloadSelector'] === undefined,
    )
  if (rival === undefined) return
  const [first] = [rule.id.name, rival.id.name].sort()
  const message = `DestinationRule ${rival.id.name} has a trafficPolicy for the same host; only that of ${first} takes effect, which comes first by name`
  yield { code: 'WEFT0107', field: 'spec.trafficPolicy', message, mend: 'Merge the two into one.' }
}

/** The port-level settings of a PeerAuthentication are about ports of workloads. */
function* checkPorts(object: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const ports = portsSelectedBy(object, mesh)
  if (ports === undefined) return
  for (const port of Object.keys(fieldsOf(object.spec['portLevelMtls']))) {
    const fault = portFault(port, ports)
    if (fault === undefined) continue
    yield { code: 'WEFT0101', severity: 'warning', field: `spec.portLevelMtls["${port}"]`, ...fault }
  }
}

/** Whom a PeerAuthentication holds for in Istio: one of the root namespace is for all, never for some. */
function* checkRootSelector(object: WrittenObject): Iterable<Fault> {
  if (object.id.namespace !== rootNamespace || Object.keys(selectorOf(object)).length === 0) return
  const message = `selects workloads, which a PeerAuthentication of namespace ${rootNamespace} cannot: it has no effect`
  const mend = 'Move it to the namespace of the workloads, or remove the selector: then it holds for the whole mesh.'
  yield { code: 'WEFT0112', field: selectorField(object), message, mend }
}

/** Checks of policies side by side. */
export const policyConflicts: readonly Check[] = [
  { name: 'policy-conflicts', kinds: [peerAuthentication, 'ProxyConfig.networking.istio.io'], run: checkSameScope },
  { name: 'root-selector', kinds: [peerAuthentication], run: checkRootSelector },
  { name: 'policy-ports', kinds: [peerAuthentication], run: checkPorts },
  { name: 'plaintext-to-strict', kinds: ['DestinationRule.networking.istio.io'], run: checkPlaintext },
  { name: 'destination-rule-conflicts', kinds: ['DestinationRule.networking.istio.io'], run: checkSameHost },
  { name: 'denied-anyway', kinds: ['AuthorizationPolicy.security.istio.io'], run: checkDeniedAnyway },
]
