// Instances for which one machine has no address left.
import type { MeshObject, Problem } from '../mesh-object.ts'
import type { WorkloadSpec } from '../weft/workload/types.ts'
import { instanceCapacity } from './plan-instances.ts'

/** What to tell of a Workload of which `count` instances were left out (`PlanOptions.onUnplaced`). */
export function unplacedInstances(workload: MeshObject<WorkloadSpec>, count: number): Problem {
  const { replicas } = workload.spec
  return {
    severity: 'error',
    code: 'too-many-instances',
    message: `${count} of its ${replicas} instances have no address: a machine has addresses for ${instanceCapacity} instances, and those of other Workloads have taken the rest`,
    position: workload.positionOf('spec.replicas') ?? workload.positionOf(''),
    objectId: workload.id,
    field: 'spec.replicas',
    mend: 'Write fewer replicas here or in other Workloads, or put the mesh on several machines.',
  }
}
