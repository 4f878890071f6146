// Real Envoys: one process per side.
import { join } from 'node:path'
import { AccessLines } from './access-lines.ts'
import { startEnvoy } from './envoy-process.ts'
import type { Field } from './field.ts'
import { perSide, sides } from './generate-request.ts'
import type { WireArm } from './wire-arm.ts'

/** Starts them; each serves once the ADS server has a table for its node. */
export function startEnvoyArm({ attach }: Field): WireArm {
  const lines = perSide(() => new AccessLines())
  const nodeIds = perSide((side) => `envoy-${side}`)
  const children = sides.map((side) => {
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
