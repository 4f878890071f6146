// Texts of the objects that most meshes of these tests begin with, in namespace shop. Each is a document that brings its separator.

import type { TlsMaterial } from '@weft/core'

/** What differs from the plain workload: entries of flow mappings and sequences, as YAML writes them. */
export interface WorkloadText {
  /** Labels besides `app`. */
  readonly labels?: string
  /** Default: HTTP on 8080. */
  readonly ports?: string
  /** Default: its own name. */
  readonly serviceAccount?: string
  /** Further fields of the spec. */
  readonly more?: string
  readonly namespace?: string
}

/** A workload with a sidecar, labelled after itself. */
export function workload(name: string, text: WorkloadText = {}): string {
  const { labels = `app: ${name}`, ports = '{ name: http, port: 8080 }', serviceAccount = name, more } = text
  const rest = more === undefined ? '' : `${more}, `
  return `
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: ${name}, namespace: ${text.namespace ?? 'shop'}, labels: { ${labels} } }
spec: { command: [${name}], serviceAccount: ${serviceAccount}, ${rest}ports: [${ports}] }
`
}

/** A proxy that is a gateway. */
export function gatewayWorkload(name: string, labels = `app: ${name}`): string {
  return `
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: ${name}, namespace: shop, labels: { ${labels} } }
spec: { proxy: gateway, serviceAccount: ${name} }
`
}

/** A Service of the workloads that are labelled `app`. */
export function service(name: string, text: { app?: string; ports?: string; namespace?: string } = {}): string {
  const { app = name, ports = '{ name: http, port: 80, targetPort: 8080 }', namespace = 'shop' } = text
  return `
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { selector: { app: ${app} }, ports: [${ports}] }
`
}

/** Workload and Service of one name. */
export function served(name: string): string {
  return workload(name) + service(name)
}

/** A Secret with these entries. */
export function secret(name: string, data: Readonly<Record<string, string>>): string {
  const entries = Object.entries(data).map(([field, text]) => `${field}: ${Buffer.from(text).toString('base64')}`)
  return `
---
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: shop }
data: { ${entries.join(', ')} }
`
}

/** A certificate with its key, and the authority that is believed. */
export function tlsSecret(
  name: string,
  { certificateChainPem, privateKeyPem }: Pick<TlsMaterial, 'certificateChainPem' | 'privateKeyPem'>,
  rootPem: string,
): string {
  return secret(name, { 'tls.crt': certificateChainPem, 'tls.key': privateKeyPem, 'ca.crt': rootPem })
}

/** Hosts outside the mesh, whose port a server on this machine plays unless `endpoint` is another. */
export function outsideHosts(
  name: string,
  text: { readonly hosts: string; readonly port: string; readonly endpoint?: string },
): string {
  return `
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name}, namespace: shop }
spec:
  hosts: [${text.hosts}]
  ports: [${text.port}]
  resolution: STATIC
  endpoints: [{ address: ${text.endpoint ?? '127.0.0.1'} }]
`
}

/** What holds for the whole mesh: lines of MeshConfig. */
export function meshConfig(lines: string): string {
  return `
---
apiVersion: v1
kind: ConfigMap
metadata: { name: istio, namespace: istio-system }
data: { mesh: ${JSON.stringify(lines)} }
`
}
