// Real Envoys: one process per side.
import { join } from 'node:path'
import { AccessLines } from './access-lines.ts'
import { startEnvoy } from './envoy-process.ts'
import type { Field } from './field.ts'
import type { Side } from './generate-request.ts'
import type { WireArm } from './wire-arm.ts'

/** Starts them; each serves once the ADS server has a table for its node. */
export function startEnvoyArm({ attach }: Field): WireArm {
  const lines: Record<Side, AccessLines> = {
    outbound: new AccessLines(),
    gateway: new AccessLines(),
    inbound: new AccessLines(),
  }
  const nodeIds: Record<Side, string> = {
    outbound: 'envoy-outbound',
    gateway: 'envoy-gateway',
    inbound: 'envoy-inbound',
  }
  const children = (Object.keys(nodeIds) as Side[]).map((side) => {
    const nodeId = nodeIds[side]
    const bootstrapPath = join(attach.dir, `${nodeId}.json`)
    return startEnvoy({ ...attach, nodeId, bootstrapPath, onLogLine: (line) => lines[side].add(line) })
  })
  return {
    name: 'envoy',
    nodeIds,
    lines,
    bound: (at) => at,
    close() {
      for (const child of children) child.kill('SIGKILL')
    },
  }
}
