// Schema of Istio's ServiceEntry.
import {
  doc,
  duplicates,
  type Finding,
  list,
  object,
  portNumber,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { checkWorkload, exportTo, workloadFields, workloadLabels } from '../match-schema.ts'
import type { EntryEndpoint, EntryPort } from './types.ts'

const port = object(
  {
    number: doc('Port by which the host is called.', portNumber),
    name: doc('Name of the port.', text('label-key')),
    protocol: doc(
      'What it speaks, such as HTTP, HTTPS, GRPC, HTTP2, MONGO, TCP or TLS; TCP unless written.',
      text('short-text'),
    ),
    targetPort: doc('Port of the endpoints; the same number unless written.', portNumber),
  },
  { required: ['number', 'name'] },
)

const endpoint = object(workloadFields, { check: checkWorkload })

const fields: Readonly<Record<string, Schema>> = {
  hosts: doc(
    'Names by which it is called.',
    list(text('entry-host'), { min: 1, max: 256, check: (hosts: readonly string[]) => duplicates(hosts, 'host') }),
  ),
  addresses: doc('Addresses by which it is called, where traffic is redirected.', list(text('cidr'), { max: 256 })),
  ports: doc('Ports by which it is called.', list(port, { max: 256, check: checkPorts })),
  location: doc('Outside the mesh (the default), or inside.', word(['MESH_EXTERNAL', 'MESH_INTERNAL'])),
  resolution: doc(
    'How endpoints are found: as written (STATIC), by name (DNS), or where the caller meant (NONE). DYNAMIC_DNS is DNS; for a wildcard host, the name that each request or TLS connection brings is looked up. A wildcard host with NONE leads nowhere where callers name a host instead of dialling one.',
    word(['NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS']),
  ),
  endpoints: doc('Where it is; with DNS the hosts themselves unless written.', list(endpoint, { max: 4096 })),
  workloadSelector: doc('Workloads and WorkloadEntries of the namespace that are its endpoints.', workloadLabels),
  exportTo,
  subjectAltNames: doc('Names of which its certificate must bear one.', list(text('not-empty'))),
}

/** Schema of `spec`. */
export const serviceEntrySchema: Schema = object(fields, { required: ['hosts'], check: checkEntry })

function* checkPorts(values: readonly EntryPort[]): Iterable<Finding> {
  yield* duplicates(
    values.map((each) => each.number),
    'number',
    ['number'],
  )
  yield* duplicates(
    values.map((each) => each.name),
    'name',
    ['name'],
  )
}

interface WrittenEntry {
  readonly addresses?: readonly string[]
  readonly resolution?: string
  readonly endpoints?: readonly EntryEndpoint[]
  readonly workloadSelector?: unknown
}

function* checkEntry(spec: WrittenEntry): Iterable<Finding> {
  const { resolution = 'NONE', endpoints = [], addresses = [] } = spec
  if (spec.workloadSelector !== undefined && spec.endpoints !== undefined) {
    const message = 'cannot stand beside `workloadSelector`'
    yield { at: ['endpoints'], code: 'conflicting-fields', message, mend: 'Keep one of the two.' }
  }
  if (resolution === 'NONE' && endpoints.length > 0) {
    const message = 'cannot be written with resolution NONE'
    yield { at: ['endpoints'], code: 'conflicting-fields', message, mend: 'Write resolution: STATIC or DNS.' }
  }
  if (resolution === 'DNS_ROUND_ROBIN' && endpoints.length > 1) {
    const mend = 'Write one, or resolution: DNS.'
    yield { at: ['endpoints'], code: 'too-long', message: 'has more than one entry with DNS_ROUND_ROBIN', mend }
  }
  if (resolution === 'NONE' || resolution === 'STATIC') return
  for (const [index, range] of addresses.entries()) {
    if (!range.includes('/') || range.endsWith(range.includes(':') ? '/128' : '/32')) continue
    const message = `is a range, which resolution ${resolution} cannot have`
    yield { at: ['addresses', index], code: 'conflicting-fields', message, mend: 'Write single addresses.' }
  }
}
