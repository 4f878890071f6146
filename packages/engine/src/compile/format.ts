// Envoy's command operators in header values and access-log formats (docs/configuration/observability/access_log/usage).
import type { FormatPart, FormatTemplate } from '../model.ts'
import { refuse } from './refusal.ts'

/** Operators the proxy can answer; others refuse the configuration, as Envoy does with names it does not know. */
const knownOperators: ReadonlySet<string> = new Set(
  `START_TIME BYTES_RECEIVED BYTES_SENT PROTOCOL RESPONSE_CODE RESPONSE_CODE_DETAILS CONNECTION_TERMINATION_DETAILS DURATION
  REQUEST_DURATION RESPONSE_DURATION RESPONSE_TX_DURATION RESPONSE_FLAGS RESPONSE_FLAGS_LONG ROUTE_NAME
  VIRTUAL_CLUSTER_NAME UPSTREAM_HOST UPSTREAM_HOST_NAME UPSTREAM_CLUSTER UPSTREAM_CLUSTER_RAW UPSTREAM_LOCAL_ADDRESS
  UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT UPSTREAM_REMOTE_ADDRESS UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT UPSTREAM_REMOTE_PORT
  UPSTREAM_TRANSPORT_FAILURE_REASON UPSTREAM_REQUEST_ATTEMPT_COUNT UPSTREAM_PEER_URI_SAN UPSTREAM_TLS_VERSION
  DOWNSTREAM_REMOTE_ADDRESS DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_REMOTE_PORT
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_ADDRESS
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_PORT DOWNSTREAM_PEER_URI_SAN DOWNSTREAM_LOCAL_URI_SAN
  DOWNSTREAM_PEER_SUBJECT DOWNSTREAM_LOCAL_SUBJECT DOWNSTREAM_PEER_SERIAL DOWNSTREAM_TLS_VERSION DOWNSTREAM_TLS_CIPHER
  DOWNSTREAM_TRANSPORT_FAILURE_REASON REQUESTED_SERVER_NAME REQ RESP TRAILER REQUEST_HEADERS_BYTES
  RESPONSE_HEADERS_BYTES DYNAMIC_METADATA CLUSTER_METADATA UPSTREAM_METADATA METADATA FILTER_STATE HOSTNAME STREAM_ID
  CONNECTION_ID FILTER_CHAIN_NAME ACCESS_LOG_TYPE ENVIRONMENT TRACE_ID QUERY_PARAM GRPC_STATUS GRPC_STATUS_NUMBER`.split(
    /\s+/,
  ),
)

const withArgument = new Set([
  'REQ',
  'RESP',
  'TRAILER',
  'DYNAMIC_METADATA',
  'CLUSTER_METADATA',
  'UPSTREAM_METADATA',
  'METADATA',
  'ENVIRONMENT',
  'QUERY_PARAM',
])

/** Compiles a text. `%%` is a percent sign. */
export function compileFormat(at: string, text: string): FormatTemplate {
  const parts: FormatPart[] = []
  let literal = ''
  for (let i = 0; i < text.length; ) {
    const next = text.indexOf('%', i)
    if (next < 0) {
      literal += text.slice(i)
      break
    }
    literal += text.slice(i, next)
    if (text[next + 1] === '%') {
      literal += '%'
      i = next + 2
      continue
    }
    const match = /^%([A-Z_0-9]+)(?:\(([^)]*)\))?(?::(\d+))?%/.exec(text.slice(next))
    if (match === null) return refuse(at, `"${text}" has an incomplete command operator at offset ${next}`)
    if (literal !== '') parts.push(literal)
    literal = ''
    parts.push(operatorOf(at, match))
    i = next + match[0].length
  }
  if (literal !== '') parts.push(literal)
  return parts
}

function operatorOf(at: string, match: RegExpExecArray): FormatPart {
  const operator = match[1] as string
  if (!knownOperators.has(operator)) return refuse(at, `the command operator %${operator}% is not known`)
  if (withArgument.has(operator) && !match[2]) return refuse(at, `the command operator %${operator}% needs an argument`)
  return { operator, argument: match[2], maxLength: match[3] === undefined ? undefined : Number(match[3]) }
}
