// Objects that hold for the workloads they select: those that select none, and those that select the same ones.
import { selectsLabels } from '../../core/service/selection.ts'
import type { Check, Fault } from '../check.ts'
import type { FindingCode } from '../codes.ts'
import type { MeshView } from '../mesh-view.ts'
import { selectorField, selectorOf, shownLabels } from '../selectors.ts'
import { runningLabels, topic } from '../topics.ts'
import { fieldsOf, fullKind, itemsOf, listOf, type WrittenObject } from '../written-object.ts'

interface Exclusive {
  readonly overlap: FindingCode
  readonly several: FindingCode
  readonly mend: string
}

/** Of these kinds only one may hold for a workload. */
const exclusive: Readonly<Record<string, Exclusive>> = {
  'Sidecar.networking.istio.io': {
    overlap: 'IST0110',
    several: 'IST0111',
    mend: 'Merge the two, or make their selectors disjoint.',
  },
  'Telemetry.telemetry.istio.io': {
    overlap: 'IST0159',
    several: 'IST0160',
    mend: 'Merge the two, or make their selectors disjoint.',
  },
}

function* checkExclusive(object: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const kind = fullKind(object.id)
  const { overlap, several, mend } = exclusive[kind] as Exclusive
  const selector = selectorOf(object)
  const field = selectorField(object)
  const { namespace } = object.id
  const others = mesh.at(topic.inNamespace(kind, namespace)).filter((other) => other !== object)
  if (Object.keys(selector).length === 0) {
    const rival = others.find((other) => !hasTarget(other) && Object.keys(selectorOf(other)).length === 0)
    if (rival === undefined || hasTarget(object)) return
    const message = `${rival.id.name} holds for all of namespace ${namespace} too, and only one of them takes effect`
    yield { code: several, field: 'spec', message, mend: 'Keep one of them, or give the others a selector.' }
    return
  }
  const selected = mesh.running(namespace, selector)
  if (selected.length === 0) {
    yield nothingSelected('IST0101', object, 'warning')
    return
  }
  const rival = others.find((other) => {
    const theirs = selectorOf(other)
    return (
      Object.keys(theirs).length > 0 &&
      selected.some((workload) => selectsLabels(theirs, runningLabels(workload) ?? {}))
    )
  })
  if (rival === undefined) return
  const message = `selects workloads that ${object.id.kind} ${rival.id.name} selects too, and only one of them takes effect`
  yield { code: overlap, field, message, mend }
}

const modeLabel = 'istio.io/dataplane-mode'

/** In ambient mode Pods have no sidecar for a Sidecar to be about; Workloads of this mesh know no such mode. */
function* checkAmbient(object: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const { namespace } = object.id
  const selected = mesh.running(namespace, selectorOf(object))
  if (selected.length === 0) return
  const everyone = mesh.one('Namespace', `default/${namespace}`)?.labels[modeLabel]
  const ambient = selected.every(
    (each) => fullKind(each.id) !== 'Workload.weft.dev' && (runningLabels(each)?.[modeLabel] ?? everyone) === 'ambient',
  )
  if (!ambient) return
  const message = 'is about sidecars, and everything that it selects is in ambient mode, without one'
  const mend = `Remove it, or the label ${modeLabel}.`
  yield { code: 'IST0167', field: selectorField(object), message, mend }
}

function nothingSelected(code: FindingCode, object: WrittenObject, severity: 'warning'): Fault {
  const where = object.id.namespace === 'istio-system' ? 'the mesh' : `namespace ${object.id.namespace}`
  const message = `no workload of ${where} carries ${shownLabels(selectorOf(object))}, so it has no effect`
  const mend = 'Correct the selector, or add the labels to a workload.'
  return { code, severity, field: selectorField(object), message, mend }
}

/** Whether a policy names what it is for, so that its selector does not count. */
export function hasTarget({ spec }: WrittenObject): boolean {
  return spec['targetRef'] !== undefined || listOf(spec['targetRefs']).length > 0
}

function* checkSelectsNothing(object: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const selector = selectorOf(object)
  if (Object.keys(selector).length === 0 || hasTarget(object)) return
  if (mesh.selected(object.id.namespace, selector).length > 0) return
  yield nothingSelected('WEFT0103', object, 'warning')
}

/** A policy of a Service that is not there holds for nobody. */
function* checkServiceTargets({ spec, id }: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const single = spec['targetRef'] === undefined ? [] : [{ ref: fieldsOf(spec['targetRef']), field: 'spec.targetRef' }]
  const several = itemsOf(spec['targetRefs']).map((ref, i) => ({ ref, field: `spec.targetRefs[${i}]` }))
  for (const { ref, field } of [...single, ...several]) {
    const name = String(ref['name'])
    if (ref['kind'] !== 'Service' || mesh.one('Service', `${id.namespace}/${name}`) !== undefined) continue
    const message = `there is no Service ${name} in namespace ${id.namespace}, so it holds for nobody`
    yield { code: 'IST0101', field: `${field}.name`, message, mend: 'Correct the name, or add the Service.' }
  }
}

/** A selector is obeyed by sidecars; a gateway of the Gateway API is named by `targetRefs`. */
function* checkGatewayPods(object: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const selector = selectorOf(object)
  if (Object.keys(selector).length === 0 || hasTarget(object)) return
  const label = 'gateway.networking.k8s.io/gateway-name'
  const pod = mesh
    .selected(object.id.namespace, selector)
    .find((each) => Object.hasOwn(runningLabels(each) ?? {}, label))
  if (pod === undefined) return
  const message = `selects ${pod.id.kind} ${pod.id.name} of a Kubernetes Gateway, for which only targetRefs count`
  yield { code: 'IST0166', field: selectorField(object), message, mend: 'Name the Gateway in `targetRefs`.' }
}

const policies = [
  'PeerAuthentication.security.istio.io',
  'RequestAuthentication.security.istio.io',
  'ProxyConfig.networking.istio.io',
  'EnvoyFilter.networking.istio.io',
  'WasmPlugin.extensions.istio.io',
]

/** Checks of what objects select. */
export const workloadSelectors: readonly Check[] = [
  { name: 'sidecar-selectors', kinds: ['Sidecar.networking.istio.io'], run: checkExclusive },
  { name: 'sidecar-in-ambient-mode', kinds: ['Sidecar.networking.istio.io'], run: checkAmbient },
  { name: 'telemetry-selectors', kinds: ['Telemetry.telemetry.istio.io'], run: checkExclusive },
  { name: 'policy-selects-nothing', kinds: policies, run: checkSelectsNothing },
  {
    name: 'policy-of-no-service',
    kinds: [
      'AuthorizationPolicy.security.istio.io',
      'RequestAuthentication.security.istio.io',
      'Telemetry.telemetry.istio.io',
      'EnvoyFilter.networking.istio.io',
      'WasmPlugin.extensions.istio.io',
    ],
    run: checkServiceTargets,
  },
  {
    name: 'gateway-api-selectors',
    kinds: [
      'RequestAuthentication.security.istio.io',
      'AuthorizationPolicy.security.istio.io',
      'WasmPlugin.extensions.istio.io',
    ],
    run: checkGatewayPods,
  },
]
