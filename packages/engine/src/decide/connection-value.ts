// The command operators that a connection without a request can answer.
import type { FormatOperator } from '../model.ts'
import type { ConnectionFacts } from '../request-head.ts'
import { metadataAt } from './metadata-path.ts'

/** The value of one operator; undefined: it has none here. */
export function connectionValue({ operator, argument }: FormatOperator, facts: ConnectionFacts): string | undefined {
  switch (operator) {
    case 'REQUESTED_SERVER_NAME':
      return facts.sni
    case 'DOWNSTREAM_LOCAL_ADDRESS':
      return `${facts.localAddress}:${facts.localPort}`
    case 'DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT':
      return facts.localAddress
    case 'DOWNSTREAM_LOCAL_PORT':
      return String(facts.localPort)
    case 'DOWNSTREAM_REMOTE_ADDRESS':
      return `${facts.remoteAddress}:${facts.remotePort}`
    case 'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT':
      return facts.remoteAddress
    case 'DOWNSTREAM_PEER_URI_SAN':
      return facts.peerNames[0]
    case 'DYNAMIC_METADATA':
      return metadataText(facts, argument ?? '')
    default:
      return undefined
  }
}

/** `namespace:member:member`; what is no text is written as JSON. */
function metadataText({ metadata }: ConnectionFacts, argument: string): string | undefined {
  const value = metadataAt(metadata, argument.split(':'))
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : JSON.stringify(value)
}
