// Real Envoys: one process per side.
import { join } from 'node:path'
import { startEnvoy } from './envoy-process.ts'
import type { Field } from './field.ts'
import { forEach } from './for-each.ts'
import type { LogReader, WireArm } from './wire-arm.ts'

/** Starts them; each serves once the ADS server has a table for its node. */
export function startEnvoyArm<S extends string, L extends LogReader>(
  { attach }: Pick<Field, 'attach'>,
  sides: readonly S[],
  newLines: () => L,
): WireArm<S, L> {
  const lines = forEach(sides, newLines)
  const nodeIds = forEach(sides, (side) => `envoy-${side}`)
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
