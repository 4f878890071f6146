/** A difference nobody wants: what to mend, and the cases that show it. */
export interface DifferenceToMend {
  readonly mend: string
  /** `family: case`. */
  readonly cases: readonly string[]
}

/** All that are known. A case that no longer differs fails until it is taken off. */
export const differencesToMend: readonly DifferenceToMend[] = [
  {
    mend: 'allow_custom_methods is off: a method that is not registered is refused',
    cases: [
      'messages: a method nobody registered is judged',
      'messages: a method in lower case is judged',
      'heads of requests: a PUT in capitals and small letters',
    ],
  },
  {
    mend: 'headers_with_underscores_action is read',
    cases: [
      'heads of requests: a name with an underscore where they are refused',
      'heads of requests: a name with an underscore where they are dropped',
    ],
  },
  {
    mend: 'Connection that names Host, a pseudo header or X-Forwarded-For is refused',
    cases: [
      'hop-by-hop and forwarding headers: Connection names Host',
      'hop-by-hop and forwarding headers: Connection names a pseudo header',
      'hop-by-hop and forwarding headers: Connection names x-forwarded-for',
    ],
  },
  {
    mend: 'Content-Length: 0 is written where there is no body, and left out where Connection names it or the status is 204',
    cases: [
      'messages: a POST without length or coding has no body',
      'messages: 204 with a length of zero',
      'hop-by-hop and forwarding headers: Connection names Content-Length',
    ],
  },
  {
    mend: 'an answer to HEAD without a length says chunked',
    cases: ['messages: HEAD of something chunked', 'messages: HEAD answered without length or coding'],
  },
  {
    mend: 'an asterisk or an absolute target without a path is 404 with absolute_path_rejected; allow_absolute_url is read',
    cases: [
      'messages: OPTIONS of everything',
      'hosts and targets: an absolute target with only a query',
      'hosts and targets: an absolute target where they are not allowed',
    ],
  },
  {
    mend: 'an absolute target needs no Host, and Host may be empty or have an empty port',
    cases: [
      'hosts and targets: an absolute target without Host',
      'hosts and targets: an empty Host',
      'hosts and targets: a Host with an empty port',
    ],
  },
  {
    mend: '426 has DPE and a body, for HTTP/0.9 too; other versions are 400',
    cases: [
      'heads of requests: HTTP/0.9',
      'heads of requests: no version',
      'connections: HTTP/1.0 is told to upgrade by default',
      'heads of requests: a version of letters',
      'heads of requests: the preface of HTTP/2 on HTTP/1',
    ],
  },
  {
    mend: 'a target with bytes above 127 is refused by the codec, one with a fragment by path_normalization_failed',
    cases: ['heads of requests: bytes above 127 in the target', 'heads of requests: a fragment in the target'],
  },
  {
    mend: 'answers of our own to a request that is not whole or that is refused close the connection',
    cases: [
      'hosts and targets: no Host',
      'connections: a pipelined request behind one without Host',
      'paths: encoded NUL',
      'paths: an encoded slash is refused',
      'paths: an encoded backslash is refused too',
      'interim and early answers: the proxy answers before the body has come',
      'interim and early answers: the proxy answers early, the next request is served or not',
      'interim and early answers: the proxy redirects a POST with 307',
      'upgrades and tunnels: the request is upgraded where nobody allowed it',
      'upgrades and tunnels: an upgrade is forbidden by the route',
      'upgrades and tunnels: an upgrade to something else',
      'upgrades and tunnels: CONNECT where nobody allowed it',
      'upgrades and tunnels: CONNECT without a route for it',
    ],
  },
  {
    mend: 'an answer that comes before the request is whole closes the connection, and has no x-envoy-upstream-service-time',
    cases: [
      'interim and early answers: the upstream answers before the body has come',
      'interim and early answers: the upstream answers early and closes',
      'interim and early answers: the upstream answers early, the next request is served',
      'interim and early answers: the upstream answers before the chunks are over',
      'interim and early answers: the upstream begins to answer while it reads: both go on',
      'interim and early answers: an upload that is aborted after the upstream answered',
    ],
  },
  {
    mend: 'the redirect of UNESCAPE_AND_REDIRECT is logged as path_normalization_failed',
    cases: ['paths: an encoded slash is decoded and the client redirected'],
  },
  {
    mend: 'a direct response of 201 has a Location',
    cases: [
      'hosts and targets: an exact virtual host',
      'hosts and targets: an exact virtual host in capitals',
      'hosts and targets: the port of Host is stripped',
    ],
  },
  {
    mend: 'strip_trailing_host_dot is read',
    cases: ['hosts and targets: the dot behind a Host is stripped'],
  },
  {
    mend: 'Trailer stays, and so does what Connection of an answer names',
    cases: [
      'hop-by-hop and forwarding headers: Trailer',
      'hop-by-hop and forwarding headers: Connection of an answer names a header',
    ],
  },
  {
    mend: 'x-envoy-expected-rq-timeout-ms of a client is replaced; x-envoy-retry-on, -max-retries and -upstream-rq-timeout-ms are not obeyed for external requests',
    cases: [
      'hop-by-hop and forwarding headers: internal headers of a client',
      'time limits and retries: a client sets the limit by a header where it may',
      'time limits and retries: the client asks for retries by a header',
    ],
  },
  {
    mend: 'via is read',
    cases: ['hop-by-hop and forwarding headers: Via where it is configured'],
  },
  {
    mend: 'HTTP/1.0 is answered as HTTP/1.0',
    cases: [
      'connections: HTTP/1.0 where it is accepted',
      'connections: HTTP/1.0 with keep-alive',
      'connections: HTTP/1.0 with close',
      'connections: HTTP/1.0 without Host',
      'connections: HTTP/1.0 without Host where there is a default',
      'connections: HTTP/1.0 with a body',
      'connections: HTTP/1.0 is not answered in chunks',
      'connections: HTTP/1.0 HEAD',
    ],
  },
  {
    mend: 'proxy_100_continue is read, and an expectation without a body is met',
    cases: [
      'interim and early answers: an expectation without a body',
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
      'upgrades and tunnels: an upgrade with bytes right behind',
      'upgrades and tunnels: an upgrade of a POST with a body',
    ],
  },
  {
    mend: 'the body says no transport failure reason; the log says it behind |',
    cases: [
      'faults of upstreams: nobody listens',
      'faults of upstreams: nobody listens for a POST',
      'faults of upstreams: nobody listens for a HEAD',
      'faults of upstreams: the connection is reset as soon as it is made',
      'time limits and retries: a connection that is refused is repeated and fails',
      'faults of upstreams: a status line that is none',
      'faults of upstreams: a status of letters',
      'faults of upstreams: another protocol',
      'faults of upstreams: a header line of an answer without a colon',
      'faults of upstreams: a space before the colon of an answer',
      'faults of upstreams: NUL in a value of an answer',
      'faults of upstreams: two lengths of an answer',
      'faults of upstreams: the same length of an answer twice',
      'faults of upstreams: a length and a coding of an answer',
      'faults of upstreams: a length of letters of an answer',
      'faults of upstreams: a negative length of an answer',
      'faults of upstreams: an unknown coding of an answer',
      'faults of upstreams: bytes before any request',
      'faults of upstreams: an empty line before an answer',
    ],
  },
  {
    mend: 'an answer that is cut is UPE protocol_error where the codec can tell',
    cases: [
      'faults of upstreams: the connection ends inside the head',
      'faults of upstreams: the connection ends inside a body of known length',
      'faults of upstreams: the connection is reset inside a body of known length',
      'faults of upstreams: the connection ends inside a chunk',
      'faults of upstreams: the connection ends before the last chunk',
      'time limits and retries: a reset after the head is not repeated',
      'interim and early answers: an interim answer and the end of the connection',
    ],
  },
  {
    mend: 'a fault of the first chunk comes behind the head',
    cases: ['faults of upstreams: a chunk size of an answer that is no number'],
  },
  {
    mend: 'max_response_headers_kb is larger than 60, and 100 lines are the most of an answer',
    cases: [
      'faults of upstreams: a head of an answer beyond 60 kB',
      'faults of upstreams: 101 header lines of an answer',
    ],
  },
  {
    mend: '204 with a length is refused',
    cases: ['faults of upstreams: 204 with a body'],
  },
  {
    mend: 'x-envoy-overloaded',
    cases: ['faults of upstreams: too much is pending', 'faults of upstreams: no connection may be made'],
  },
  {
    mend: 'flags of time limits and retries: URX with a policy of no retries, 504 once the request is whole, UO without a retry',
    cases: [
      'time limits and retries: one try times out',
      'time limits and retries: a stream is idle before its answer',
      'time limits and retries: a stream is idle by the manager',
      'time limits and retries: a stream lasts too long',
      'time limits and retries: a stream lasts too long by the manager',
      'time limits and retries: a retry is not made where the breaker forbids it',
    ],
  },
  {
    mend: 'idle_timeout of the manager is judged as Envoy does; max_connection_duration is read',
    cases: [
      'time limits and retries: an idle connection is closed',
      'time limits and retries: a connection lives too long',
    ],
  },
  {
    mend: 'no retry without a policy',
    cases: ['time limits and retries: a stale connection is found out when it is used'],
  },
  {
    mend: 'HTTP/2 of clients',
    cases: ['HTTP/2 frames: h2: HTTP/1 where HTTP/2 is spoken'],
  },
  {
    mend: 'flags of TCP connections, breakers, tunneling_config',
    cases: [
      'TCP: the client resets',
      'TCP: the server resets',
      'TCP: nobody listens and the client says nothing',
      'TCP: a connection that nobody uses is closed',
      'TCP: a tunnel through HTTP',
      'TCP: nobody listens',
    ],
  },
]
