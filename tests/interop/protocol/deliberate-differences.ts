/** A rule in which our proxy keeps to more than Envoy does, on purpose. */
export interface DeliberateDifference {
  readonly why: string
  /** The section of an RFC, or Envoy's field. */
  readonly by: string
  /** `family: case`. */
  readonly cases: readonly string[]
}

/** All of them: none lets a request through that Envoy refuses. */
export const deliberateDifferences: readonly DeliberateDifference[] = [
  {
    why: 'Lines are read as they are meant: the parts of a request line are separated by one space each, lines end in CRLF and are not folded. Another reader may see other lines.',
    by: 'RFC 9112 2.2, 3, 5.2, 11.2',
    cases: [
      'heads of requests: two spaces before the target',
      'heads of requests: a tab before the target',
      'heads of requests: a space behind the version',
      'heads of requests: a bare LF behind the request line',
      'heads of requests: a bare CR in a value',
      'heads of requests: a folded header line',
      'faults of upstreams: a bare LF in an answer',
      'faults of upstreams: a folded line in an answer',
    ],
  },
  {
    why: 'Where a message ends is not guessed: a chunk is as long as it says, ends in CRLF, and its extension holds no NUL; HTTP/1.0 has no codings. Another reader may find another end.',
    by: 'RFC 9112 6.1, 7.1',
    cases: [
      'framing of requests: a chunk longer than it says',
      'framing of requests: a chunk that ends in LF',
      'framing of requests: an extension with NUL',
      'framing of requests: a coding in HTTP/1.0',
      'faults of upstreams: a coding in an answer of HTTP/1.0',
    ],
  },
  {
    why: 'A frame that may not come on a stream that is over, or on stream 0, is an error as RFC 9113 demands (and h2spec asks for); Envoy passes over it.',
    by: 'RFC 9113 5.1, 6.3',
    cases: [
      'HTTP/2 frames: h2: DATA on a stream that is over',
      'HTTP/2 frames: h2: HEADERS on a stream that is over',
      'HTTP/2 frames: h2: PRIORITY on stream 0',
    ],
  },
  {
    why: 'A request names one host, which is a host and perhaps a port; a user in it is for phishing.',
    by: 'RFC 9112 3.2, RFC 9110 4.2.4, 7.2, RFC 9113 8.3.1',
    cases: [
      'hosts and targets: a Host with a port of letters',
      'hosts and targets: a user in the Host',
      'hosts and targets: two Hosts',
      'hosts and targets: an absolute target with a user',
      'hosts and targets: an absolute target without Host',
      'HTTP/2 requests: h2: Host beside another authority',
    ],
  },
  {
    why: 'A status is a number of three digits below 600 in an answer of HTTP/1, and 101 answers an upgrade: anything else is no answer.',
    by: 'RFC 9112 4, RFC 9110 7.8, 15, 15.2.2',
    cases: [
      'faults of upstreams: a status of two digits',
      'faults of upstreams: a status of four digits',
      'faults of upstreams: a status of 600',
      'faults of upstreams: a status of 000',
      'faults of upstreams: a version of 2.0',
      'upgrades and tunnels: 101 that nobody asked for',
      'HTTP/2 answers: h2: 101 that nobody asked for',
      'ends of tunnels: upgrade: the upgrade is answered with 101 without Upgrade',
      'ends of tunnels: upgrade: a client of HTTP/1.0',
    ],
  },
  {
    why: 'Answers pass as a proxy has to pass them: interim ones go on, what Connection names stays behind. Envoy does neither.',
    by: 'RFC 9110 7.6.1, 15.2',
    cases: [
      'interim and early answers: 102 of the upstream',
      'interim and early answers: 103 of the upstream',
      'HTTP/2 answers: h2: 103 of the upstream',
      'hop-by-hop and forwarding headers: Connection of an answer names a header',
      'HTTP/2 answers: h2: hop-by-hop headers go',
      'HTTP/1 to HTTP/2: to h2: 103 and an answer',
    ],
  },
  {
    why: 'Each direction of a connection or tunnel ends by itself: who has closed his side still hears the other; Envoy takes him for gone.',
    by: 'RFC 9112 9.6, RFC 9113 8.5, RFC 8441 5, RFC 8446 6.1',
    cases: [
      'connections: a client that half-closes after its request still gets the answer',
      'connections: a client that half-closes after a request with a body',
      'connections: a client that half-closes behind two requests gets both answers',
      'HTTP/1 to HTTP/2: to h2: a client that half-closes still gets the answer',
      'upgrades and tunnels: the client ends and the server answers still',
      'upgrades and tunnels: the server ends',
      'upgrades and tunnels: an upgrade of a POST with a body',
      'upgrades and tunnels: the far end of a tunnel ends',
      'upgrades and tunnels: the client of a tunnel ends and still hears',
      'ends of tunnels: CONNECT passed on: the far end ends',
      'ends of tunnels: CONNECT over h2: the far end ends',
      'ends of tunnels: WebSocket over h2: the server ends',
      'ends of tunnels: WebSocket over h2: the client ends',
      'ends of tunnels: CONNECT to h2: the far end ends',
      'TLS: TLS: the client says goodbye and still hears',
    ],
  },
  {
    why: 'A client on loopback is named as it is; Envoy writes the first address of the machine in its place.',
    by: 'use_remote_address',
    cases: ['hop-by-hop and forwarding headers: X-Forwarded-For grows where the remote address is used'],
  },
  {
    why: 'An answer that lasts until its connection ends is cut when the connection is reset, and the client is told so.',
    by: 'RFC 9112 8',
    cases: ['faults of upstreams: the connection is reset inside a body without end'],
  },
  {
    why: 'TLS is as good as both ends can do it: 1.3 towards upstreams where no version is said; who names no server where a name is required is refused. Of protocols none of which we speak, the first is named (Node can choose or refuse), and HTTP/1.1 is spoken, as by Envoy.',
    by: 'tls_maximum_protocol_version, require_sni, RFC 7301 3.2',
    cases: [
      'TLS: TLS to the upstream: no versions are said',
      'TLS: TLS: no server name where one is asked for',
      'TLS: TLS: no protocol in common',
    ],
  },
]
