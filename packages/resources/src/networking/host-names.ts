// How host names in configuration become names of Services.
import type { ObjectId } from '@weft/core'

/** DNS domain of Services; fixed for now. */
export const clusterDomain = 'cluster.local'

/** Namespace whose PeerAuthentication and AuthorizationPolicy apply to the whole mesh (Istio's root namespace). */
export const rootNamespace = 'istio-system'

/** Fully qualified name of a Service: `catalog.bookstore.svc.cluster.local`. */
export function serviceFqdn(id: Pick<ObjectId, 'name' | 'namespace'>): string {
  return `${id.name}.${id.namespace}.svc.${clusterDomain}`
}

/**
 * A host as written in an Istio object, qualified: a name without dots means a Service of the object's own namespace,
 * every other name stands as it is (Istio: ResolveShortnameToFQDN).
 */
export function resolveHost(host: string, namespace: string): string {
  const lower = host.toLowerCase()
  return lower.includes('.') || lower.startsWith('*') ? lower : serviceFqdn({ name: lower, namespace })
}

/** Whether a wildcard or plain `pattern` covers `host`, both lower-case. */
export function hostCovers(pattern: string, host: string): boolean {
  if (pattern === '*' || pattern === host) return true
  return pattern.startsWith('*.') && host.length > pattern.length - 1 && host.endsWith(pattern.slice(1))
}

/** A gateway as named in a VirtualService, qualified as `namespace/name`; `mesh` stays `mesh`. */
export function resolveGateway(name: string, namespace: string): string {
  if (name === 'mesh') return name
  if (name.startsWith('./')) return `${namespace}/${name.slice(2)}`
  return name.includes('/') ? name : `${namespace}/${name}`
}

/** Whether an object of `owner` with this `exportTo` is seen by the workloads of a namespace. */
export function isVisible(exportTo: readonly string[], owner: string, namespace: string): boolean {
  if (exportTo.length === 0) return true
  return exportTo.some((scope) => scope === '*' || scope === namespace || (scope === '.' && owner === namespace))
}
