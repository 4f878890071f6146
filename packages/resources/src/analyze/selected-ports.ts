// The ports of what a policy selects: where it names another, it holds for nothing.
import type { MeshView } from './mesh-view.ts'
import { selectorOf } from './selectors.ts'
import { topic } from './topics.ts'
import { fieldsOf, fullKind, itemsOf, type WrittenObject } from './written-object.ts'

/**
 * The ports on which the Workloads that a policy selects are listened for: their own, and those that Sidecars put before them. Undefined
 * when the files do not say it all: nothing is selected, or gateways or pods are among it.
 */
export function portsSelectedBy(policy: WrittenObject, mesh: MeshView): ReadonlySet<string> | undefined {
  const selected = mesh.selected(policy.id.namespace, selectorOf(policy))
  const known = selected.every(({ id, spec }) => fullKind(id) === 'Workload.weft.dev' && spec['proxy'] !== 'gateway')
  if (selected.length === 0 || !known) return undefined
  const ports = new Set(selected.flatMap(({ spec }) => itemsOf(spec['ports']).map(({ port }) => String(port))))
  for (const namespace of new Set(selected.map(({ id }) => id.namespace))) {
    for (const { spec } of mesh.at(topic.inNamespace('Sidecar.networking.istio.io', namespace))) {
      for (const { port } of itemsOf(spec['ingress'])) ports.add(String(fieldsOf(port)['number']))
    }
  }
  return ports.size === 0 ? undefined : ports
}

/** What is said of a port that none of these is; undefined when it is one of them. */
export function portFault(
  port: string,
  ports: ReadonlySet<string>,
): { readonly message: string; readonly mend: string } | undefined {
  if (ports.has(port)) return undefined
  const message = `no selected Workload listens on port ${port} (these are workload ports, not Service ports)`
  return { message, mend: `Use ${[...ports].join(' or ')}.` }
}
