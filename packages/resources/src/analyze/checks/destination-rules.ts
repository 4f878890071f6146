// What DestinationRules refer to: hosts, ports, workloads by subset labels, authorities.
import { selectsLabels } from '../../core/service/selection.ts'
import { resolveHost } from '../../networking/host-names.ts'
import type { Check, Fault } from '../check.ts'
import type { MeshView } from '../mesh-view.ts'
import { shownLabels } from '../selectors.ts'
import { runningLabels } from '../topics.ts'
import { dig, fieldsOf, fullKind, itemsOf, labelsOf, textOf, type WrittenObject } from '../written-object.ts'
import { portNumbers } from './virtual-service-references.ts'

interface Policy {
  readonly policy: unknown
  readonly field: string
}

function policiesOf({ spec }: WrittenObject): Policy[] {
  return [
    { policy: spec['trafficPolicy'], field: 'spec.trafficPolicy' },
    ...itemsOf(spec['subsets']).map(({ trafficPolicy }, i) => ({
      policy: trafficPolicy,
      field: `spec.subsets[${i}].trafficPolicy`,
    })),
  ]
}

/** Istio verifies no server without `caCertificates`; here the system's authorities are asked. */
function* checkAuthorities(rule: WrittenObject): Iterable<Fault> {
  for (const { policy, field } of policiesOf(rule)) {
    const ports = itemsOf(fieldsOf(policy)['portLevelSettings'])
    const places = [
      { tls: dig(policy, 'tls'), at: field, code: 'IST0128' as const },
      ...ports.map(({ tls }, i) => ({ tls, at: `${field}.portLevelSettings[${i}]`, code: 'IST0129' as const })),
    ]
    for (const { tls, at, code } of places) {
      const { mode, caCertificates, credentialName } = fieldsOf(tls)
      if (mode !== 'SIMPLE' && mode !== 'MUTUAL') continue
      // A credential brings its authorities, but sidecars read it only where the rule selects them.
      if (textOf(caCertificates) !== '' || (credentialName !== undefined && hasSelector(rule))) continue
      const message =
        "names no authorities: Weft asks those of the system, and Istio's control plane verifies no server"
      yield { code, field: `${at}.tls`, message, mend: 'Add `caCertificates`.' }
    }
  }
}

function hasSelector({ spec }: WrittenObject): boolean {
  return spec['workloadSelector'] !== undefined
}

function* checkHost(rule: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const { spec, id } = rule
  const host = textOf(spec['host'])
  if (host === '') return
  const called = mesh.called(host, id.namespace)
  if (called.length === 0) {
    const message = `no Service is called ${resolveHost(host, id.namespace)}, so the rule has no effect`
    yield { code: 'IST0174', field: 'spec.host', message, mend: mesh.hostMend(host, id.namespace) }
    return
  }
  const ports = [...new Set(called.flatMap(portNumbers))]
  for (const { policy, field } of policiesOf(rule)) {
    for (const [i, { port }] of itemsOf(fieldsOf(policy)['portLevelSettings']).entries()) {
      const number = fieldsOf(port)['number']
      if (typeof number !== 'number' || ports.includes(number)) continue
      const message = `the Service has no port ${number}, so these settings have no effect`
      const mend = `Use ${ports.join(' or ')}.`
      const place = `${field}.portLevelSettings[${i}].port.number`
      yield { code: 'WEFT0101', severity: 'warning', field: place, message, mend }
    }
  }
}

function* checkSubsets(rule: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const { spec, id } = rule
  const host = textOf(spec['host'])
  const subsets = itemsOf(spec['subsets'])
  if (subsets.length === 0) return
  const services = mesh.called(host, id.namespace).filter((each) => fullKind(each.id) === 'Service')
  if (services.length === 0) return
  const behind = services.flatMap((service) => mesh.behind(service))
  for (const [i, subset] of subsets.entries()) {
    const labels = labelsOf(subset['labels'])
    // A subset without labels is every workload.
    if (Object.keys(labels).length === 0 || behind.some((workload) => belongs(workload, labels, mesh))) continue
    const message = `no workload behind ${host} carries ${shownLabels(labels)}: requests sent to subset ${textOf(subset['name'])} are answered by 503`
    const mend = 'Correct the labels, or add a workload that carries them.'
    yield { code: 'IST0173', field: `spec.subsets[${i}].labels`, message, mend }
  }
}

/** Where a node stands: such labels reach a pod from its node, unless they are empty. */
const topology = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.istio.io/subzone']

function belongs(workload: WrittenObject, labels: Readonly<Record<string, string>>, mesh: MeshView): boolean {
  const own = runningLabels(workload) ?? {}
  if (selectsLabels(labels, own)) return true
  const wanted = topology.filter((label) => Object.hasOwn(labels, label))
  if (wanted.length === 0) return false
  const node = mesh.one('Node', `default/${textOf(workload.spec['nodeName'])}`)
  const standing = Object.fromEntries(
    wanted.flatMap((label) => {
      const value = node?.labels[label]
      return value === undefined || value === '' ? [] : [[label, value]]
    }),
  )
  return selectsLabels(labels, { ...own, ...standing })
}

const kinds = ['DestinationRule.networking.istio.io']

/** Checks of DestinationRules. */
export const destinationRules: readonly Check[] = [
  { name: 'destination-rule-ca', kinds, run: checkAuthorities },
  { name: 'destination-rule-host', kinds, run: checkHost },
  { name: 'destination-rule-subsets', kinds, run: checkSubsets },
]
