// Schema of Istio's MeshConfig, as far as it is obeyed; other fields are told by name where they are written.
import {
  anything,
  boolean,
  doc,
  type Finding,
  integer,
  list,
  mapOf,
  number,
  object,
  portNumber,
  type Schema,
  text,
  word,
} from '../schema/schema.ts'
import { customTags } from '../telemetry/telemetry/schema.ts'
import { keepalive, localityLbSetting } from '../networking/destination-rule/connection-schema.ts'
import { retries } from '../networking/virtual-service/action-schema.ts'

const body = object(
  {
    maxRequestBytes: doc('Most bytes of the body that are shown.', integer(1, 4_294_967_295)),
    allowPartialMessage: doc('Whether a longer body is cut; refused with 413 otherwise.', boolean),
    packAsBytes: doc('Shows it as bytes instead of text.', boolean),
  },
  { required: ['maxRequestBytes'] },
)

/** Statuses that Envoy has a name for: it takes no others. */
const statusWords = [
  '100 200 201 202 203 204 205 206 207 208 226 300 301 302 303 304 305 307 308',
  '400 401 402 403 404 405 406 407 408 409 410 411 412 413 414 415 416 417 421 422 423 424 426 428 429 431',
  '500 501 502 503 504 505 506 507 508 510 511',
].flatMap((line) => line.split(' '))

const asked = {
  service: doc('Host of the service, with its namespace before a slash if need be.', text('not-empty')),
  port: doc('Its port.', portNumber),
  timeout: doc('Time limit of its answer; 10m unless written.', text('positive-duration')),
  failOpen: doc('Lets requests through while it cannot be asked.', boolean),
  statusOnError: doc('Status while it cannot be asked; 403 unless written.', word(statusWords)),
  includeRequestBodyInCheck: doc('Shows it the body.', body),
}
const headers = list(text('not-empty'))

function* checkMadeHeaders(made: object): Iterable<Finding> {
  for (const name of Object.keys(made)) {
    if (name.toLowerCase() !== 'host') continue
    const message = 'is the header by which the provider itself is called'
    yield { at: [name], code: 'unsupported-value', message, mend: 'Give it another name, such as x-host.' }
  }
}
const logFormat = object({
  text: doc('A line with operators.', text()),
  labels: doc('An object with operators as values.', anything),
})
const collector = {
  service: doc('Host of the collector.', text('not-empty')),
  port: doc('Its port.', portNumber),
  maxTagLength: doc('Longest path in a tag.', integer(1, 65_535)),
}

const overHttp = object(
  {
    path: doc('Path of the collector.', text('no-nul')),
    timeout: doc('Time limit of its answer; 3s unless written.', text('positive-duration')),
    headers: doc(
      'Headers it is sent.',
      list(
        object(
          { name: doc('Name.', text('header-name')), value: doc('Value.', text('no-nul')) },
          { required: ['name'] },
        ),
      ),
    ),
  },
  { required: ['path'] },
)

const provider = object(
  {
    name: doc('Its name, for policies.', text('not-empty')),
    envoyExtAuthzHttp: doc(
      'Decides about requests, asked over HTTP.',
      object(
        {
          ...asked,
          pathPrefix: doc('What comes before the path.', text('path')),
          includeRequestHeadersInCheck: doc('Headers it is shown.', headers),
          includeAdditionalHeadersInCheck: {
            ...doc('Headers made for it.', mapOf(text('header-value'), 'header-name')),
            'x-check': checkMadeHeaders,
          },
          headersToUpstreamOnAllow: doc('Headers of its answer that go on.', headers),
          headersToDownstreamOnAllow: doc('Headers of its answer that go back when it allows.', headers),
          headersToDownstreamOnDeny: doc('Headers of its answer that go back when it denies.', headers),
        },
        { required: ['service', 'port'] },
      ),
    ),
    envoyExtAuthzGrpc: doc(
      'Decides about requests, asked over gRPC.',
      object(asked, { required: ['service', 'port'] }),
    ),
    envoyFileAccessLog: doc(
      'A file for access logs.',
      object({
        path: doc('Its path; /dev/stdout is standard output.', text('path')),
        logFormat: doc('Its format.', logFormat),
      }),
    ),
    prometheus: doc('Metrics, which Prometheus fetches from proxies.', object({})),
    zipkin: doc(
      'Takes spans as Zipkin does.',
      object(
        {
          ...collector,
          enable64bitTraceId: doc('Short trace ids.', boolean),
          path: doc('Path of the collector; /api/v2/spans unless written.', text('path')),
        },
        { required: ['service', 'port'] },
      ),
    ),
    opentelemetry: doc(
      'Takes spans as OpenTelemetry does.',
      object(
        { ...collector, http: doc('Sends them over HTTP instead of gRPC.', overHttp) },
        { required: ['service', 'port'] },
      ),
    ),
  },
  { required: ['name'] },
)

const names = list(text('not-empty'), { max: 100 })

/** What every proxy is told; fields beyond these are told by name. */
const defaultConfig: Schema = {
  ...object({
    tracing: doc(
      'Traces where no Telemetry says it.',
      object({
        sampling: doc('Share of the requests, in percent.', number(0, 100)),
        maxPathTagLength: doc('Longest path in a tag.', integer(1, 65_535)),
        customTags: doc('Further tags of spans.', customTags),
        zipkin: doc('Takes spans as Zipkin does.', object({ address: doc('Host and port.', text('not-empty')) })),
      }),
    ),
  }),
  additionalProperties: anything,
  'x-check': (config: object) => tellOthers(config, ['tracing']),
}

/** What is obeyed. */
const known: Readonly<Record<string, Schema>> = {
  accessLogFile: doc('Where access logs go: empty for none, /dev/stdout for standard output, or a file.', text()),
  accessLogFormat: doc('Format of access logs.', text()),
  accessLogEncoding: doc('Encoding of access logs.', word(['TEXT', 'JSON'])),
  extensionProviders: doc('What policies may name.', list(provider, { max: 1000 })),
  localityLbSetting: doc('Which localities get traffic, where no DestinationRule says it.', localityLbSetting),
  enableTracing: doc('Whether `defaultConfig.tracing` holds where no Telemetry names a provider.', boolean),
  defaultProviders: doc(
    'Providers where no Telemetry names one.',
    object({
      tracing: doc('For traces; the first counts.', names),
      accessLogging: doc('For access logs.', names),
      metrics: doc('For metrics; an empty list is none.', names),
    }),
  ),
  defaultConfig: doc('What holds for every proxy.', defaultConfig),
  connectTimeout: doc('Time limit of connecting; 10s unless written.', text('positive-duration')),
  trustDomainAliases: doc(
    'Trust domains that stand for that of the mesh, in policies and on both ends of mutual TLS.',
    list(text('dns-name'), { max: 100 }),
  ),
  tcpKeepalive: doc('Probes on idle connections, where no DestinationRule says them.', keepalive),
  h2UpgradePolicy: doc(
    'Whether HTTP/1.1 goes on as HTTP/2, where no DestinationRule says it; as both ends can unless written.',
    word(['DO_NOT_UPGRADE', 'UPGRADE']),
  ),
  defaultHttpRetryPolicy: doc(
    'Retries of routes that say none; writing it says that requests may be repeated.',
    retries,
  ),
  outboundTrafficPolicy: doc(
    'Calls of hosts that the mesh does not know, where no Sidecar says it.',
    object({
      mode: doc('ALLOW_ANY unless written: they go where they were going.', word(['ALLOW_ANY', 'REGISTRY_ONLY'])),
    }),
  ),
  pathNormalization: doc(
    'What paths look like to policies and applications.',
    object({
      normalization: doc(
        'How much is made equal.',
        word(['DEFAULT', 'NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES']),
      ),
    }),
  ),
}

/** Schema of the text below `mesh`. */
export const meshConfigSchema: Schema = { ...object(known), additionalProperties: anything, 'x-check': tellUnknown }

function tellUnknown(config: object): Iterable<Finding> {
  return tellOthers(config, Object.keys(known))
}

function* tellOthers(config: object, fields: readonly string[]): Iterable<Finding> {
  for (const field of Object.keys(config)) {
    if (fields.includes(field)) continue
    const message = 'is not read by Weft: what it says does not happen'
    const mend = 'Remove it, or do not rely on it.'
    yield { at: [field], severity: 'warning', code: 'WEFT0001', message, mend }
  }
}
