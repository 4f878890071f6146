import type { EndpointSet } from '@weft/engine'
import type { Bootstrap } from '../bootstrap.ts'
import { unknownWorkload, type WorkloadLabels, workloadsByAddress } from './workload-labels.ts'

/** The EDS name under which the control plane lists the address of every workload. */
const workloadsName = 'weft.workloads'

/** Which workload lives at which address, and which one we are. */
export class WorkloadDirectory {
  readonly #ownAddress: string
  readonly #fallback: WorkloadLabels
  #byAddress: ReadonlyMap<string, WorkloadLabels> = new Map()

  constructor(bootstrap: Bootstrap) {
    this.#ownAddress = bootstrap.address
    // Until the directory arrives, the node id says as much: `sidecar~<address>~<instance>.<ns>~<ns>.svc.cluster.local`.
    const [, , name = ''] = bootstrap.node.id.split('~')
    const dot = name.lastIndexOf('.')
    const workload = dot < 0 ? bootstrap.instance : name.slice(0, dot)
    this.#fallback = { ...unknownWorkload, workload, namespace: dot < 0 ? 'unknown' : name.slice(dot + 1) }
  }

  onEndpoints(name: string, endpoints: EndpointSet | undefined): void {
    if (name !== workloadsName) return
    this.#byAddress = workloadsByAddress(endpoints)
  }

  self(): WorkloadLabels {
    return this.#byAddress.get(this.#ownAddress) ?? this.#fallback
  }

  at(address: string): WorkloadLabels | undefined {
    return this.#byAddress.get(address)
  }
}
