// One machine: the supervisor behind `weft up`, and the host agent.
export { grpcBootstrapFile } from './supervisor/grpc-library.ts'
export { type MeshAccess, openMeshAccess } from './check/mesh-access.ts'
export { type LogPrinter, logPrinter } from './process/log-printer.ts'
export { statePaths } from './state-paths.ts'
export { CONTROL_PORTS, type Sabotage, type UpSettings } from './supervisor/settings.ts'
export { type RunningMesh, startMesh } from './supervisor/supervisor.ts'
export type { NameServer, ProxyKind } from './supervisor/proxy-bootstrap.ts'
