/** A difference nobody wants: what to mend, and the cases that show it. */
export interface DifferenceToMend {
  readonly mend: string
  /** `family: case`. */
  readonly cases: readonly string[]
}

/** All that are known. A case that no longer differs fails until it is taken off. */
export const differencesToMend: readonly DifferenceToMend[] = [
  {
    mend: 'what the codec of HTTP/2 refuses is logged as DPE, a reset of the client as DR',
    cases: ['HTTP/2 frames: h2: another stream lives on behind a reset'],
  },
  {
    mend: 'answers of HTTP/2 without a body have no content-length; too many fields are a reset; a fragment is path_normalization_failed',
    cases: [
      'HTTP/2 requests: h2: an asterisk',
      'HTTP/2 requests: h2: CONNECT where nobody allowed it',
      'HTTP/2 answers: h2: no route',
      'HTTP/2 requests: h2: a path with a fragment',
    ],
  },
  {
    mend: 'WebSockets by extended CONNECT: the log, and connection: upgrade in small letters',
    cases: ['HTTP/2 requests: h2: a WebSocket by extended CONNECT'],
  },
  {
    mend: 'grpc-message keeps commas, and what is whole needs no reset',
    cases: ['gRPC: gRPC: too much is pending'],
  },
  {
    mend: 'a malformed answer of HTTP/2 ends the connection of the upstream, and is UPE and 502 whatever form it has; DATA before a head never reaches the client',
    cases: ['HTTP/1 to HTTP/2: to h2: a body shorter than its length'],
  },
  {
    mend: 'gRPC-Web: grpc-accept-encoding, status and details of its local answers',
    cases: [
      'gRPC: gRPC: gRPC-Web in bytes',
      'gRPC: gRPC: gRPC-Web in base64',
      'gRPC: gRPC: gRPC-Web that fails without a body',
      'gRPC: gRPC: gRPC-Web with base64 that is none',
      'gRPC: gRPC: gRPC-Web and nobody listens',
    ],
  },
  {
    mend: 'tunnels over HTTP/2: the log, and connection: upgrade in small letters',
    cases: [
      'HTTP/1 to HTTP/2: to h2: a WebSocket becomes extended CONNECT',
      'HTTP/1 to HTTP/2: to h2: CONNECT stays CONNECT',
    ],
  },
  {
    mend: 'Content-Length: 0 is written where there is no body, and left out where Connection names it or the status is 204',
    cases: ['hop-by-hop and forwarding headers: Connection names Content-Length'],
  },
  {
    mend: 'Host may be empty',
    cases: ['hosts and targets: an empty Host'],
  },
  {
    mend: 'a target with bytes above 127 is refused by the codec, one with a fragment by path_normalization_failed',
    cases: ['heads of requests: bytes above 127 in the target', 'heads of requests: a fragment in the target'],
  },
  {
    mend: 'proxy_100_continue is read, and an expectation without a body is met',
    cases: [
      'interim and early answers: an expectation that the upstream is to judge',
      'interim and early answers: an expectation that the upstream refuses',
    ],
  },
  {
    mend: 'a head that never comes whole is logged',
    cases: ['heads of requests: a head that never ends, then the end of sending'],
  },
  {
    mend: 'tunnels by CONNECT: date and server, the log, half-closes, forwarding CONNECT',
    cases: [
      'upgrades and tunnels: CONNECT makes a tunnel',
      'upgrades and tunnels: the far end of a tunnel speaks first',
      'upgrades and tunnels: the far end of a tunnel ends',
      'upgrades and tunnels: the client of a tunnel ends and still hears',
      'upgrades and tunnels: CONNECT with bytes right behind',
      'upgrades and tunnels: CONNECT to nobody',
      'upgrades and tunnels: CONNECT with another Host',
      'upgrades and tunnels: CONNECT is forwarded as CONNECT',
    ],
  },
  {
    mend: 'WebSockets and other upgrades',
    cases: [
      'upgrades and tunnels: a WebSocket speaks both ways',
      'upgrades and tunnels: the server speaks first',
      'upgrades and tunnels: the first bytes come with the answer',
      'upgrades and tunnels: the client ends and the server answers still',
      'upgrades and tunnels: the server ends',
      'upgrades and tunnels: the client resets',
      'upgrades and tunnels: the server resets',
      'upgrades and tunnels: the server refuses with 403',
      'upgrades and tunnels: the server answers 200',
      'upgrades and tunnels: the server asks for another version',
      'upgrades and tunnels: an upgrade is allowed by the route',
      'upgrades and tunnels: an upgrade in capitals',
      'upgrades and tunnels: an upgrade of a POST with a body',
    ],
  },
  {
    mend: 'an answer that is cut is UPE protocol_error where the codec can tell',
    cases: ['interim and early answers: an interim answer and the end of the connection'],
  },
  {
    mend: 'x-envoy-overloaded',
    cases: ['faults of upstreams: too much is pending'],
  },
  {
    mend: 'idle_timeout of the manager is judged as Envoy does; max_connection_duration is read',
    cases: [
      'time limits and retries: an idle connection is closed',
      'time limits and retries: a connection lives too long',
    ],
  },
  {
    mend: 'flags of TCP connections, breakers, tunneling_config',
    cases: ['TCP: a tunnel through HTTP'],
  },
]
