// Objects by name, for conversions.
import type { ServiceSpec } from '../core/service/types.ts'
import { type KindName, ofKind, type SpecByKind } from '../kinds.ts'
import type { MeshObject } from '../mesh-object.ts'

/** A workload of any kind, as far as identities and labels go. */
export interface Carrier {
  readonly labels: Readonly<Record<string, string>>
  readonly serviceAccount: string
}

/** Finds objects without a search. */
export class MeshLookup {
  readonly objects: readonly MeshObject[]
  readonly #byKind = new Map<KindName, ReadonlyMap<string, MeshObject>>()
  #carriers: ReadonlyMap<string, readonly Carrier[]> | undefined

  constructor(objects: readonly MeshObject[]) {
    this.objects = objects
  }

  /** An object by kind, namespace and name. */
  find<K extends KindName>(kind: K, namespace: string, name: string): MeshObject<SpecByKind[K]> | undefined {
    let known = this.#byKind.get(kind)
    if (known === undefined) {
      known = new Map(ofKind(this.objects, kind).map((object) => [`${object.id.namespace}/${object.id.name}`, object]))
      this.#byKind.set(kind, known)
    }
    return known.get(`${namespace}/${name}`) as MeshObject<SpecByKind[K]> | undefined
  }

  /** A Service. */
  service(id: { readonly namespace: string; readonly name: string }): MeshObject<ServiceSpec> | undefined {
    return this.find('Service', id.namespace, id.name)
  }

  /** The workloads and pods of a namespace. */
  carriers(namespace: string): readonly Carrier[] {
    this.#carriers ??= this.#readCarriers()
    return this.#carriers.get(namespace) ?? []
  }

  #readCarriers(): ReadonlyMap<string, readonly Carrier[]> {
    const found = new Map<string, Carrier[]>()
    const add = ({ id, labels }: MeshObject, serviceAccount: string): void => {
      const list = found.get(id.namespace)
      if (list === undefined) found.set(id.namespace, [{ labels, serviceAccount }])
      else list.push({ labels, serviceAccount })
    }
    for (const workload of ofKind(this.objects, 'Workload')) add(workload, workload.spec.serviceAccount)
    for (const pod of ofKind(this.objects, 'Pod')) add(pod, pod.spec.serviceAccountName)
    return found
  }
}
