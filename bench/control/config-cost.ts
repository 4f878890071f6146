// What 10,000 objects cost from text to findings, in a process of its own: `config-cost.ts OBJECTS EDITS`. Prints one line of JSON.
import type { Logger, Timer } from '@weft/core'
import type { SourceFile } from '@weft/resources'
import { ConfigStore } from '../../packages/control/src/store/config-store.ts'

/** Milliseconds and counts. */
export interface ConfigCost {
  readonly objects: number
  readonly megabytes: number
  /** Reading, validating and analysing everything, nothing known before. */
  readonly firstMs: number
  readonly firstCpuMs: number
  /** The most that was resident until everything was known. */
  readonly peakRssMb: number
  /** One VirtualService edited: parse, validate, analyse, merge, publish. */
  readonly editMs: readonly number[]
  /** Processor time of such an edit, on average. */
  readonly editCpuMs: number
  /** The same among all the others in one file. */
  readonly editInOneFileMs: readonly number[]
  readonly validatedPerEdit: number
  readonly analysedPerEdit: number
}

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }
const timer: Timer = { cancel() {} }

function newStore(): ConfigStore {
  const files = {
    read: async () => undefined,
    list: async () => [],
    remove: async () => {},
    writeAtomic: async () => ({ ok: true }) as const,
    watch: () => ({ close() {} }),
  }
  const clock = { nowMs: () => performance.now(), wallMs: () => Date.now() }
  return new ConfigStore({ files, clock, timers: { set: () => timer }, log: quiet }, '/state/objects.json')
}

/** A Service, its rule, its subsets and a workload. */
function documents(i: number, timeout: string): string {
  const meta = `{ name: s${i}, namespace: ns${i % 20} }`
  return `apiVersion: v1
kind: Service
metadata: ${meta}
spec:
  selector: { app: s${i} }
  ports:
    - { name: http, port: 80, targetPort: 8080 }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: ${meta}
spec:
  hosts: [s${i}]
  http:
    - match:
        - uri: { prefix: /a }
          headers: { x-user: { exact: bob } }
      timeout: ${timeout}
      retries: { attempts: 2, perTryTimeout: 1s }
      route:
        - destination: { host: s${i}, subset: v1 }
          weight: 80
        - destination: { host: s${i}, subset: v2 }
          weight: 20
    - route:
        - destination: { host: s${i} }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: ${meta}
spec:
  host: s${i}
  trafficPolicy:
    connectionPool: { tcp: { maxConnections: 100 } }
  subsets:
    - { name: v1, labels: { version: v1 } }
    - { name: v2, labels: { version: v2 } }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: s${i}-v1, namespace: ns${i % 20}, labels: { app: s${i}, version: v1 } }
spec:
  command: [node, service.js]
  ports:
    - { name: http, port: 8080 }
`
}

function measure(objects: number, edits: number): ConfigCost {
  const indices = Array.from({ length: Math.ceil(objects / 4) }, (_, i) => i)
  const files: SourceFile[] = indices.map((i) => ({ name: `mesh/s${i}.yaml`, text: documents(i, '5s') }))
  const store = newStore()
  const cpu = process.cpuUsage()
  const started = performance.now()
  store.apply(files)
  const firstMs = performance.now() - started
  const { user, system } = process.cpuUsage(cpu)
  const peakRssMb = Math.round(process.resourceUsage().maxRSS / 1024)
  const editsOf = (to: ConfigStore, state: (round: number) => readonly SourceFile[]): number[] =>
    Array.from({ length: edits }, (_, round) => {
      const next = state(round)
      const begun = performance.now()
      to.apply(next)
      return performance.now() - begun
    })
  const before = store.work
  const cpuBefore = process.cpuUsage()
  const editMs = editsOf(store, (round) => {
    const i = (round * 37) % indices.length
    files[i] = { name: `mesh/s${i}.yaml`, text: documents(i, `${round + 6}s`) }
    return files
  })
  const after = store.work
  const editCpu = process.cpuUsage(cpuBefore)
  const inOne = newStore()
  const whole = (round: number): readonly SourceFile[] => [
    { name: 'mesh.yaml', text: indices.map((i) => documents(i, i === 5 ? `${round + 6}s` : '5s')).join('---\n') },
  ]
  inOne.apply(whole(-1))
  const editInOneFileMs = editsOf(inOne, whole)
  return {
    objects: store.state.objects.length,
    megabytes: files.reduce((all, { text }) => all + text.length, 0) / 1e6,
    firstMs,
    firstCpuMs: (user + system) / 1000,
    peakRssMb,
    editMs,
    editCpuMs: (editCpu.user + editCpu.system) / 1000 / edits,
    editInOneFileMs,
    validatedPerEdit: (after.validated - before.validated) / edits,
    analysedPerEdit: (after.analysed - before.analysed) / edits,
  }
}

if (import.meta.main) {
  const [objects = 10_000, edits = 20] = process.argv.slice(2).map(Number)
  process.stdout.write(`${JSON.stringify(measure(objects, edits))}\n`)
}
