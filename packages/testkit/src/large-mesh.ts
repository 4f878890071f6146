// A mesh of any size for tests and benches of the control plane: services of one port, each with workloads and a rule, made
// without writing and parsing thousands of documents.
import { contentHash, loadFiles, type MeshObject, type WorkloadInstance } from '@weft/resources'

/** How many of what. */
export interface LargeMeshShape {
  readonly services: number
  /** Workload instances; spread over the services in turn. */
  readonly proxies: number
  /** Services are spread over these. */
  readonly namespaces: number
}

const documents = [
  `apiVersion: v1
kind: Service
metadata: { name: s, namespace: n }
spec: { selector: { app: s }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
`,
  `apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: s, namespace: n, labels: { app: s } }
spec: { command: [run], serviceAccount: s, ports: [{ name: http, port: 8080 }] }
`,
  `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: s, namespace: n }
spec: { hosts: [s], http: [{ timeout: 5s, route: [{ destination: { host: s } }] }] }
`,
]

/** A mesh whose objects are replaced one by one; everything else stays the same reference. */
export class LargeMesh {
  readonly objects: MeshObject[]
  readonly instances: WorkloadInstance[]
  readonly shape: LargeMeshShape

  constructor(shape: LargeMeshShape) {
    this.shape = shape
    const { objects, problems } = loadFiles([{ name: 'large.yaml', text: documents.join('---\n') }])
    if (problems.length > 0) throw new Error(`invariant violated: ${problems[0]?.message}`)
    const indices = Array.from({ length: shape.services }, (_, index) => index)
    this.objects = objects.flatMap((template) => {
      const text = JSON.stringify(template)
      return indices.map((index) => this.#named(template, text, index))
    })
    this.instances = Array.from({ length: shape.proxies }, (_, index) => this.#instance(index))
  }

  /** Replaces the rule of one service. */
  setTimeout(service: number, timeout: string): void {
    const at = this.objects.findIndex(({ id }) => id.kind === 'VirtualService' && id.name === `s${service}`)
    const old = this.objects[at] as MeshObject<{ readonly http: readonly object[] }>
    this.objects[at] = hashed({ ...old, spec: { ...old.spec, http: [{ ...old.spec.http[0], timeout }] } })
  }

  /** Writes a note beside the rule of one service, which nobody reads. */
  annotate(service: number, note: string): void {
    const at = this.objects.findIndex(({ id }) => id.kind === 'VirtualService' && id.name === `s${service}`)
    const old = this.objects[at] as MeshObject
    this.objects[at] = hashed({ ...old, annotations: { note } })
  }

  /** Makes an instance ready or not. */
  setReady(instance: number, ready: boolean): void {
    this.instances[instance] = { ...(this.instances[instance] as WorkloadInstance), ready }
  }

  /** One more instance of the service whose turn it is. */
  addInstance(): WorkloadInstance {
    const instance = this.#instance(this.instances.length)
    this.instances.push(instance)
    return instance
  }

  #instance(index: number): WorkloadInstance {
    const service = index % this.shape.services
    const [high, low] = [Math.floor(index / 250), (index % 250) + 1]
    return {
      name: `s${service}-${Math.floor(index / this.shape.services)}`,
      workload: `s${service}`,
      namespace: this.#namespace(service),
      labels: { app: `s${service}` },
      serviceAccount: `s${service}`,
      proxy: 'sidecar',
      address: `127.66.${high}.${low}`,
      appAddress: `127.67.${high}.${low}`,
      ports: [{ name: 'http', port: 8080 }],
      outboundTcp: {},
      ready: true,
      draining: false,
    }
  }

  #namespace(service: number): string {
    return `n${service % this.shape.namespaces}`
  }

  #named(template: MeshObject, text: string, index: number): MeshObject {
    const copy = JSON.parse(text.replaceAll('"s"', `"s${index}"`)) as MeshObject
    return hashed({
      ...copy,
      id: { ...copy.id, namespace: this.#namespace(index) },
      positionOf: (path) => template.positionOf(path),
    })
  }
}

function hashed<S>(object: MeshObject<S>): MeshObject<S> {
  const { id, labels, annotations, spec } = object
  return { ...object, hash: contentHash({ id, labels, annotations, spec }) }
}
