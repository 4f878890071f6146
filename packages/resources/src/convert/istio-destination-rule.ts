// A DestinationRule: each subset becomes a Service; what it says of connections has no counterpart, TLS apart.
import type { MeshObject } from '../mesh-object.ts'
import { resolveHost } from '../networking/host-names.ts'
import type { DestinationRuleSpec } from '../networking/destination-rule/types.ts'
import { type ConversionNotes, type ConvertedObject, nameOf } from './conversion.ts'
import { serviceOfHost, subsetService } from './istio-destinations.ts'
import type { MeshLookup } from './mesh-lookup.ts'

/** Converts one DestinationRule. */
export function convertDestinationRule(
  rule: MeshObject<DestinationRuleSpec>,
  mesh: MeshLookup,
  notes: ConversionNotes,
): ConvertedObject[] {
  const { spec, id } = rule
  const name = serviceOfHost(spec.host, id.namespace)
  const service = name && mesh.service(name)
  if (name === undefined || service === undefined) {
    notes.lost(['spec', 'host'], `there is no Service ${spec.host}`, 'Add the Service.')
    return []
  }
  const mend = 'Keep the DestinationRule for this.'
  const narrowed = spec.exportTo?.some((scope) => scope !== '*') === true
  if (narrowed) notes.lost(['spec', 'exportTo'], 'what it becomes is there for all callers', mend)
  if (spec.workloadSelector !== undefined) {
    notes.lost(['spec', 'workloadSelector'], 'what it becomes is there for all callers', mend)
  }
  for (const field of Object.keys(spec.trafficPolicy ?? {}).filter((each) => each !== 'tls')) {
    notes.lost(['spec', 'trafficPolicy', field], 'the Gateway API has no such setting', mend)
  }
  const services = (spec.subsets ?? []).map((subset, index): ConvertedObject => {
    if (subset.trafficPolicy !== undefined) {
      notes.lost(['spec', 'subsets', index, 'trafficPolicy'], 'the Gateway API has no such setting', mend)
    }
    const ports = service.spec.ports.map(({ name: portName, ...port }) => ({
      ...(portName === '' ? {} : { name: portName }),
      ...port,
    }))
    return {
      kind: 'Service',
      namespace: name.namespace,
      name: subsetService(name.name, subset.name),
      spec: { selector: { ...service.spec.selector, ...subset.labels }, ports },
      from: id,
      origins: [['spec.selector', `spec.subsets[${index}].labels`]],
    }
  })
  return [...services, ...tlsPolicy(rule, name, notes)]
}

function tlsPolicy(
  { spec, id }: MeshObject<DestinationRuleSpec>,
  service: { readonly name: string; readonly namespace: string },
  notes: ConversionNotes,
): ConvertedObject[] {
  const tls = spec.trafficPolicy?.tls
  if (tls === undefined || tls.mode === 'ISTIO_MUTUAL') return []
  const at = ['spec', 'trafficPolicy', 'tls']
  const unsaid = Object.keys(tls).filter((field) => !['mode', 'sni', 'subjectAltNames'].includes(field))
  if (tls.mode === 'SIMPLE' && unsaid.length === 0) {
    const mend = 'Keep the DestinationRule for callers inside the mesh.'
    notes.lost(at, 'a BackendTLSPolicy holds at Gateways alone', mend)
    const subjectAltNames = (tls.subjectAltNames ?? []).map((name) =>
      name.includes('://') ? { type: 'URI', uri: name } : { type: 'Hostname', hostname: name },
    )
    const validation = {
      hostname: tls.sni ?? resolveHost(spec.host, id.namespace),
      wellKnownCACertificates: 'System',
      ...(subjectAltNames.length === 0 ? {} : { subjectAltNames }),
    }
    const targetRefs = [{ group: '', kind: 'Service', name: service.name }]
    return [
      {
        kind: 'BackendTLSPolicy',
        namespace: service.namespace,
        name: nameOf(id.name, 'tls'),
        spec: { targetRefs, validation },
        from: id,
        origins: [['spec.validation', 'spec.trafficPolicy.tls']],
      },
    ]
  }
  notes.lost(
    at,
    `TLS of mode ${tls.mode} with these settings cannot be said`,
    'Put authorities into a ConfigMap, and write a BackendTLSPolicy.',
  )
  return []
}
