// Schemas shared by the kinds of networking.istio.io.
import {
  doc,
  exactlyOne,
  type Finding,
  list,
  mapOf,
  object,
  pending,
  portNumber,
  type Schema,
  text,
  uint32,
  word,
} from '../schema/schema.ts'

const stringMembers = {
  exact: doc('The value must be this text.', text('no-nul')),
  prefix: doc('The value must begin with this text.', text('not-empty')),
  regex: doc('The whole value must match this RE2 expression.', text('regex')),
}

/** A StringMatch that must say something. */
export const stringMatch: Schema = object(stringMembers, { check: exactlyOne(['exact', 'prefix', 'regex']) })

/** A StringMatch of which the empty form means: present. */
export const presenceMatch: Schema = object(stringMembers, { check: exactlyOne(['exact', 'prefix', 'regex'], 0) })

/** Who sees the object: everyone (`*`), its own namespace (`.`), named namespaces, or nobody (`~`). */
export const exportTo: Schema = doc(
  'Namespaces whose workloads see the object: `*` (the default), `.` for its own, `~` for none, or names.',
  list(text('export-scope'), { min: 1, check: checkExportTo }),
)

function* checkExportTo(scopes: readonly string[]): Iterable<Finding> {
  for (const [index, scope] of scopes.entries()) {
    const first = scopes.indexOf(scope)
    if (first !== index) {
      const message = `repeats item ${first}`
      yield { at: [index], severity: 'warning', code: 'duplicate', message, mend: 'Remove one of the two.' }
    } else if ((scope === '*' || scope === '~') && scopes.length > 1) {
      const mend = `Write either ${JSON.stringify(scope)} or the others.`
      yield { at: [index], code: 'conflicting-values', message: 'must be the only entry', mend }
    }
  }
}

/** Labels, as a map. */
export const labels: Schema = mapOf(text('label-value'), 'label-key')

/** `workloadSelector` as most networking kinds write it. */
export const workloadLabels: Schema = object({
  labels: doc('Labels that a workload must carry; none: every workload of the namespace.', labels),
})

/** A host, its subset and its port. */
export const destination: Schema = object(
  {
    host: doc('Name of a Service or ServiceEntry; without dots one of the own namespace.', text('host')),
    subset: doc('Subset of a DestinationRule for the host.', text('dns-label')),
    port: doc(
      'Port of the host; needed when it has several.',
      object({ number: doc('Number of the port.', portNumber) }, { required: ['number'] }),
    ),
  },
  { required: ['host'] },
)

/** Port of a server, listener or entry. */
export const serverPort: Schema = object({
  number: doc('Number of the port.', portNumber),
  name: doc('Name of the port.', text('short-text')),
  protocol: doc('What the port speaks, such as HTTP, HTTPS, GRPC, HTTP2, MONGO, TCP or TLS.', text('short-text')),
  targetPort: doc('Port of the workload behind it.', portNumber),
})

/** Check that at most one way of selecting is used. */
export const oneSelection = exactlyOne(['selector', 'targetRef', 'targetRefs'], 0)

/** Which side of a connection a rule is about. */
export const workloadMode: Schema = word(['UNDEFINED', 'CLIENT', 'SERVER', 'CLIENT_AND_SERVER'])

/** Where a workload is; `ports` are checked against the address. */
export const workloadFields: Readonly<Record<string, Schema>> = {
  address: doc('IP address, host name, or Unix socket (unix:///path or unix://@name).', text('workload-address')),
  ports: doc('Port of the workload by name of the service port.', mapOf(portNumber, 'label-key')),
  labels: doc('Labels of the workload.', mapOf(text('label-value'), 'label-key')),
  network: doc(
    'Network the address belongs to.',
    pending('every address is dialled directly, whichever network it belongs to', text('no-nul')),
  ),
  locality: doc('Region, zone and subzone, separated by slashes.', text('no-nul')),
  weight: doc('Share of the traffic, relative to the other endpoints.', uint32),
  serviceAccount: doc('Service account the workload runs as.', text('dns-name')),
}

interface WrittenWorkload {
  readonly address?: string
  readonly network?: string
  readonly ports?: object
}

/** A workload needs an address, or a network where a gateway knows it; a Unix socket has no ports. */
export function* checkWorkload(value: WrittenWorkload): Iterable<Finding> {
  if ((value.address ?? '') === '' && (value.network ?? '') === '') {
    yield { code: 'missing-field', message: 'has no `address`', mend: 'Add `address`.' }
  }
  yield* checkSocketPorts(value)
}

/** A Unix socket has no ports. */
export function* checkSocketPorts(value: WrittenWorkload): Iterable<Finding> {
  if (value.address?.startsWith('unix://') !== true || value.ports === undefined) return
  const message = 'cannot stand beside a Unix socket'
  yield { at: ['ports'], code: 'conflicting-fields', message, mend: 'Remove `ports`.' }
}
