// The command line as its users run it: a process.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

/** How a command ended, and what it said. */
export interface Run {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const root = join(import.meta.dirname, '../../..')

/** Runs `weft ARGS` in the root of the repository; `input` is its standard input. */
export function weft(args: readonly string[], input = ''): Run {
  const main = join(import.meta.dirname, 'main.ts')
  const options = { encoding: 'utf8', cwd: root, input, maxBuffer: 64 * 2 ** 20 } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], options)
  return { status, stdout, stderr }
}

/** YAML of a workload of the namespace `shop` and its Service, ended by a separator. */
export const workloadAndService = (name: string): string => `apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: ${name}, namespace: shop, labels: { app: ${name} } }
spec: { command: [${name}], serviceAccount: ${name}, ports: [{ name: http, port: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { selector: { app: ${name} }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
`
