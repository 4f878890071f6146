// The check table: a fixed set of requests to the shop, what each should give and what it gave. `weft up --check` imports this file
// (`<DIR>/check.ts`), opens a context on the shop's address and runs every check in order; later checks use what earlier ones made.
import { journeyChecks } from './checks/journey.ts'
import { grpcChecks } from './checks/grpc.ts'
import { identityChecks } from './checks/identity.ts'
import { liveChecks } from './checks/live.ts'
import { impostorChecks } from './checks/impostor.ts'
import { meshChecks } from './checks/mesh.ts'
import { metricsChecks } from './checks/metrics.ts'
import { tunnelChecks } from './checks/tunnels.ts'
import type { Check } from './checks/check-context.ts'

export { openCheckContext } from './checks/check-context.ts'
export type { MeshAccess, MeshInstance } from './checks/mesh-access.ts'
export type { Check, CheckContext, CheckResponse, CheckOutcome, RequestOptions } from './checks/check-context.ts'

/** All checks in the order in which they must run (metrics before the visitors from outside come, who are nobody's workload). Without a mesh, leave out those with `needs: 'mesh'`. */
export const checks: readonly Check[] = [
  ...journeyChecks,
  ...grpcChecks,
  ...liveChecks,
  ...meshChecks,
  ...metricsChecks,
  ...identityChecks,
  ...tunnelChecks,
  ...impostorChecks,
]
