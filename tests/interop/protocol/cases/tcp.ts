import { end, type Family, pause, type ProtocolCase, reset, type Step, until } from '../protocol-case.ts'

const tcp = (
  name: string,
  client: Step[],
  upstream: Step[] | 'refuses',
  more: Partial<ProtocolCase> = {},
): ProtocolCase => ({
  name,
  client,
  upstream: upstream === 'refuses' ? upstream : [upstream],
  downstreamWire: 'tcp',
  upstreamWire: 'tcp',
  ...more,
})

/** Connections without HTTP. */
export const tcpStreams: Family = {
  name: 'TCP',
  cases: [
    tcp('bytes go both ways', ['ping', until('pong'), 'bye'], [until('ping'), 'pong']),
    tcp('the server speaks first', [until('hello'), 'hi'], ['hello', until('hi')]),
    tcp('the client ends first and still hears', ['ping', end], [until('ping'), pause(50), 'late']),
    tcp(
      'the client ends first and the server after it',
      ['ping', end],
      [until('ping'), { act: 'see the end' }, 'late', end],
    ),
    tcp('the server ends first and still hears', [until('bye'), 'late', pause(30)], ['bye', end]),
    tcp('the server ends first and the client after it', [until('bye'), 'late', end], ['bye', end]),
    tcp('the client resets', ['ping', pause(50), reset], [until('ping'), pause(100)]),
    tcp('the server resets', ['ping', pause(50)], [until('ping'), reset]),
    tcp('the server ends at once', [], [end]),
    tcp('nobody listens', ['ping'], 'refuses'),
    tcp('nobody listens and the client says nothing', [], 'refuses'),
    tcp('a cluster without endpoints', ['ping'], [], { cluster: { loadAssignment: { clusterName: 'none' } } }),
    tcp('a connection that nobody uses is closed', ['ping', until('pong')], [until('ping'), 'pong'], {
      tcpProxy: { idleTimeout: '0.2s' },
      lasts: 500,
    }),
    tcp('a connection lives too long', ['ping', until('pong')], [until('ping'), 'pong'], {
      tcpProxy: { maxDownstreamConnectionDuration: '0.2s' },
      lasts: 500,
    }),
    tcp('500 kB go through', ['x'.repeat(500_000), end], [{ act: 'see the end' }, 'done', end]),
    tcp('500 kB come back', ['go', until('end')], [until('go'), `${'y'.repeat(500_000)}end`]),
    tcp(
      'a tunnel through HTTP',
      ['ping', until('pong')],
      [until('\r\n\r\n'), 'HTTP/1.1 200 OK\r\n\r\n', until('ping'), 'pong'],
      { tcpProxy: { tunnelingConfig: { hostname: 'inner:80' } }, upstreamWire: 'h1' },
    ),
    tcp('no connection is allowed', ['ping'], [], {
      cluster: { circuitBreakers: { thresholds: [{ maxConnections: 0 }] } },
    }),
  ],
}
