// Real Envoys: one process per side.
import { join } from 'node:path'
import { AccessLines } from './access-lines.ts'
import { startEnvoy } from './envoy-process.ts'
import type { Field } from './field.ts'
import type { Side } from './generate-request.ts'
import type { WireArm } from './wire-arm.ts'

/** Starts them; each serves once the ADS server has a table for its node. */
export function startEnvoyArm({ attach }: Field): WireArm {
  const lines = new AccessLines()
  const nodeIds: Record<Side, string> = {
    outbound: 'envoy-outbound',
    gateway: 'envoy-gateway',
    inbound: 'envoy-inbound',
  }
  const children = Object.values(nodeIds).map((nodeId) =>
    startEnvoy({
      ...attach,
      nodeId,
      bootstrapPath: join(attach.dir, `${nodeId}.json`),
      onLogLine: (line) => lines.add(line),
    }),
  )
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
