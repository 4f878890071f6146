import { spawnSync } from 'node:child_process'

/** Whether real Envoys can be run here: `skip` of a test or a suite. */
export const skipWithoutEnvoy: string | false =
  spawnSync('envoy', ['--version'], { stdio: 'ignore' }).status === 0 ? false : 'envoy is not on PATH'
