// The mesh of these tests: a caller without a proxy, and two versions of an inventory.

function workload(name: string, proxy: string, port = 9000): string {
  const [app, version = 'v0'] = name.split('-')
  return `
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: ${name}, namespace: shop, labels: { app: ${app}, version: ${version} } }
spec: { command: [${name}], serviceAccount: ${name}, proxy: ${proxy}, ports: [{ name: grpc, port: ${port} }] }
---`
}

function service(name: string): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { selector: { app: ${name} }, ports: [{ name: grpc, port: 9000, targetPort: grpc }] }
---`
}

/** Workloads `caller`, `inventory-v1`, `inventory-v2`, and `vault`, whose server asks for itself, too. */
export const shop = [
  ...[workload('caller', 'grpc'), workload('inventory-v1', 'none'), workload('inventory-v2', 'none')],
  ...[workload('vault', 'grpc', 9443), service('inventory'), service('vault')],
  `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: inventory, namespace: shop }
spec: { host: inventory, subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }] }
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: vault, namespace: shop }
spec: { selector: { matchLabels: { app: vault } }, mtls: { mode: STRICT } }
`,
].join('')

/** A VirtualService for the inventory with these rules, in flow style. */
export function rules(...http: readonly string[]): string {
  return `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: inventory, namespace: shop }
spec: { hosts: [inventory], http: [${http.join(', ')}] }
`
}

/** A rule that sends shares to the two versions. */
export function split(v1: number, v2: number, more = ''): string {
  const to = (subset: string, weight: number): string =>
    `{ destination: { host: inventory, subset: ${subset} }, weight: ${weight} }`
  return `{ ${more}route: [${to('v1', v1)}, ${to('v2', v2)}] }`
}
