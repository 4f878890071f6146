// Every metric between meshed workloads names both ends. Read from each proxy's own endpoint, as Prometheus would.
import { request as httpRequest } from 'node:http'
import type { Check, CheckContext, CheckOutcome } from './check-context.ts'
import { accessOf } from './identity.ts'
import type { MeshInstance } from './mesh-access.ts'

const metricsPort = 15020
const messages = 'istio_request_messages_total'
const families = ['istio_requests_total', messages, 'istio_tcp_connections_opened_total']
const ends = [
  'workload',
  'workload_namespace',
  'principal',
  'app',
  'version',
  'canonical_service',
  'canonical_revision',
]

// Answered by the proxy itself (a fault, no route, nobody to connect to): such a request had no destination.
const neverLeft = /\b(FI|NR|NC|UH|UF|UO)\b/

export const metricsChecks: readonly Check[] = [
  { name: 'metrics name source and destination', expected: 'no label unknown or empty', needs: 'mesh', run: namedEnds },
]

async function namedEnds(context: CheckContext): Promise<CheckOutcome> {
  const mesh = accessOf(context)
  if (mesh.proxyKind === 'envoy') return { seen: 'not asked of Envoy', ok: true }
  const faults = new Set<string>()
  const pairs = new Set<string>()
  const calls = new Set<string>()
  for (const instance of await mesh.instances()) {
    if (instance.proxy === 'none') continue
    for (const { family, labels } of samplesOf(await scrape(instance))) {
      if (!families.includes(family) || neverLeft.test(labels.get('response_flags') ?? '')) continue
      const pair = `${labels.get('source_workload')} > ${labels.get('destination_workload')}`
      pairs.add(pair)
      if (family === messages) calls.add(pair)
      for (const label of ends.flatMap((end) => [`source_${end}`, `destination_${end}`])) {
        const value = labels.get(label) ?? ''
        if (value === '' || value === 'unknown') faults.add(`${instance.name}: ${label}=${value}`)
      }
    }
  }
  const wanted = [
    'gateway > web',
    'web > catalog-v1',
    'web > catalog-v2',
    'web > orders',
    'orders > payments',
    'orders > inventory',
  ]
  const missing = wanted.filter((pair) => !pairs.has(pair))
  // They speak gRPC.
  if (!calls.has('orders > inventory')) missing.push('messages orders > inventory')
  const told = [...[...faults].slice(0, 6), ...missing.map((pair) => `no ${pair}`)]
  const seen = told.length === 0 ? `${pairs.size} pairs of workloads, all named` : told.join(', ')
  return { seen, ok: told.length === 0 }
}

interface Sample {
  readonly family: string
  readonly labels: ReadonlyMap<string, string>
}

// The text format of Prometheus, as far as these counters use it.
function samplesOf(text: string): Sample[] {
  const samples: Sample[] = []
  for (const line of text.split('\n')) {
    const [, family, list] = /^(\w+)\{(.*)\} \S+/.exec(line) ?? []
    if (family === undefined || list === undefined) continue
    const labels = new Map(
      [...list.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', value = '']) => [name, value]),
    )
    samples.push({ family, labels })
  }
  return samples
}

function scrape(instance: MeshInstance): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: instance.address, port: metricsPort, path: '/stats/prometheus', timeout: 5_000 }
    const request = httpRequest(options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('end', () => resolve(text))
      response.on('error', reject)
    })
    request.on('timeout', () => request.destroy(new Error(`${instance.name} gives no metrics`)))
    request.on('error', reject)
    request.end()
  })
}
