// Istio's metrics and their labels.
/** One of Istio's metrics, without changes. */
export interface StandardMetric {
  /** Without `istio_`. */
  readonly name: string
  readonly kind: 'counter' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
}

const workloadLabelNames = (side: 'source' | 'destination'): string[] => [
  `${side}_workload`,
  `${side}_workload_namespace`,
  `${side}_principal`,
  `${side}_app`,
  `${side}_version`,
  `${side}_canonical_service`,
  `${side}_canonical_revision`,
  `${side}_cluster`,
]

/** Istio's standard labels (https://istio.io/latest/docs/reference/config/metrics) of the metrics of TCP. */
export const tcpLabels: readonly string[] = [
  'reporter',
  ...workloadLabelNames('source'),
  ...workloadLabelNames('destination'),
  'destination_service',
  'destination_service_name',
  'destination_service_namespace',
  'connection_security_policy',
  'request_protocol',
  'response_flags',
]
/** Those of the metrics of messages: they are counted while a call lasts, before it is known how it ends. */
export const messageLabels: readonly string[] = tcpLabels.slice(0, tcpLabels.indexOf('connection_security_policy'))
/** Those of the metrics of HTTP. */
export const httpLabels: readonly string[] = [...tcpLabels, 'response_code', 'grpc_response_status']

const http = (kind: StandardMetric['kind'], name: string, help: string): StandardMetric => ({
  name,
  kind,
  help,
  labels: httpLabels,
})
const tcp = (name: string, help: string): StandardMetric => ({
  name: `tcp_${name}`,
  kind: 'counter',
  help,
  labels: tcpLabels,
})
const messages = (side: 'request' | 'response', help: string): StandardMetric => ({
  name: `${side}_messages_total`,
  kind: 'counter',
  help,
  labels: messageLabels,
})
/** Istio's metrics. */
export const standardMetrics = {
  requests: http('counter', 'requests_total', 'Requests handled.'),
  duration: http('histogram', 'request_duration_milliseconds', 'Duration of requests, milliseconds.'),
  requestBytes: http('histogram', 'request_bytes', 'Bytes of request bodies.'),
  responseBytes: http('histogram', 'response_bytes', 'Bytes of response bodies.'),
  requestMessages: messages('request', 'Messages of gRPC calls sent by the client.'),
  responseMessages: messages('response', 'Messages of gRPC calls sent by the server.'),
  opened: tcp('connections_opened_total', 'TCP connections opened.'),
  closed: tcp('connections_closed_total', 'TCP connections closed.'),
  sent: tcp('sent_bytes_total', 'Bytes sent to the client.'),
  received: tcp('received_bytes_total', 'Bytes received from the client.'),
} as const
