import { answer, end, type Family, head, other, pause, type ProtocolCase, reset, seeEnd } from '../protocol-case.ts'
import { ask, get, h2, started, whole } from './h2-words.ts'

const raw = (name: string, type: number, payload: string, { flags = 0, stream = 0 } = {}): ProtocolCase =>
  h2(name, [get, whole(), { frame: { type, flags, stream, payload } }], { upstream: 'ok' })

/** Frames of clients that break the rules, or use them to the full. */
export const h2Frames: Family = {
  name: 'HTTP/2 frames',
  cases: [
    h2('the client resets a stream', [{ headers: ask(), ends: true }, other('GET'), { rst: 8 }], {
      upstream: [[head, pause(100)]],
    }),
    h2(
      'the client resets a stream in the middle of its body',
      [{ headers: ask('POST') }, { data: 'hello' }, other('hello'), { rst: 8 }],
      { upstream: [[head, pause(100)]] },
    ),
    h2('the client resets in the middle of an answer', [get, started(), { rst: 8 }], {
      upstream: [[head, 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello', pause(100)]],
    }),
    h2(
      'another stream lives on behind a reset',
      [get, other('GET'), { rst: 8 }, { headers: ask(), stream: 3, ends: true }, whole(3)],
      {
        upstream: [
          [head, seeEnd],
          [head, answer()],
        ],
      },
    ),
    h2('the client says GOAWAY and is answered still', [get, { goaway: 0, last: 0 }, whole()]),
    h2('the client ends its side behind a request', [get, other('GET'), end], {
      upstream: [[head, pause(50), answer()]],
    }),
    h2('the client resets the connection', [get, other('GET'), reset], { upstream: [[head, pause(100)]] }),
    h2('a PING is answered', [{ ping: 'hello' }, get, whole()]),
    h2('unknown frames are passed over', [{ frame: { type: 0xbe, stream: 1, payload: 'x' } }, get, whole()]),
    h2('unknown SETTINGS are passed over', [{ settings: [[0xbe, 1]] }, get, whole()]),
    h2('a client without credit gets the body when it gives some', [
      { settings: [[4, 0]] },
      get,
      started(),
      pause(50),
      { window: 100, stream: 1 },
      whole(),
    ]),
    h2('credit that grows by SETTINGS', [
      { settings: [[4, 0]] },
      get,
      started(),
      pause(50),
      { settings: [[4, 100]] },
      whole(),
    ]),
    h2('credit in single bytes', [
      { settings: [[4, 1]] },
      get,
      started(),
      pause(20),
      { window: 1, stream: 1 },
      whole(),
    ]),
    h2('a window update of nothing on a stream', [{ headers: ask('POST') }, other('POST'), { window: 0, stream: 1 }]),
    h2('a window beyond 2^31-1 on a stream', [
      { headers: ask('POST') },
      other('POST'),
      { window: 0x7fffffff, stream: 1 },
    ]),
    h2('a window beyond 2^31-1', [get, whole(), { window: 0x7fffffff }]),
    raw('a window update of nothing', 8, '\0\0\0\0'),
    raw('a window update of three bytes', 8, '\0\0\0'),
    raw('DATA on stream 0', 0, 'x'),
    raw('DATA on an idle stream', 0, 'x', { stream: 9 }),
    raw('DATA on a stream that is over', 0, 'x', { stream: 1 }),
    raw('HEADERS on stream 0', 1, '\x82', { flags: 5 }),
    raw('HEADERS on a stream of the server', 1, '\x82\x84\x86', { flags: 5, stream: 2 }),
    raw('HEADERS on a stream that is over', 1, '\x82\x84\x86', { flags: 5, stream: 1 }),
    raw('HEADERS with an index nobody knows', 1, '\xff\x80\x01', { flags: 5, stream: 3 }),
    raw('HEADERS with index zero', 1, '\x80', { flags: 5, stream: 3 }),
    raw('HEADERS with too much padding', 1, '\x20\x82', { flags: 13, stream: 3 }),
    raw('HEADERS that end in the middle of a string', 1, '\x00\x05ab', { flags: 5, stream: 3 }),
    raw('a table size beyond what was agreed', 1, '\x3f\xe1\xff\x03\x82\x84\x86', { flags: 5, stream: 3 }),
    raw('CONTINUATION without HEADERS', 9, 'x', { flags: 4, stream: 1 }),
    raw('PRIORITY of five bytes', 2, '\0\0\0\0\x10', { stream: 3 }),
    raw('PRIORITY of four bytes', 2, '\0\0\0\0', { stream: 3 }),
    raw('PRIORITY on stream 0', 2, '\0\0\0\0\x10'),
    raw('RST_STREAM on stream 0', 3, '\0\0\0\0'),
    raw('RST_STREAM on an idle stream', 3, '\0\0\0\0', { stream: 9 }),
    raw('RST_STREAM of three bytes', 3, '\0\0\0', { stream: 1 }),
    raw('SETTINGS of five bytes', 4, '\0\0\0\0\0'),
    raw('SETTINGS on a stream', 4, '', { stream: 1 }),
    raw('an acknowledgement with a payload', 4, '\0\x03\0\0\0\x01', { flags: 1 }),
    raw('SETTINGS with push neither on nor off', 4, '\0\x02\0\0\0\x02'),
    raw('SETTINGS with a window beyond 2^31-1', 4, '\0\x04\xff\xff\xff\xff'),
    raw('SETTINGS with frames too small', 4, '\0\x05\0\0\0\x01'),
    raw('PUSH_PROMISE of a client', 5, '\0\0\0\x02\x82', { flags: 4, stream: 1 }),
    raw('PING of seven bytes', 6, '1234567'),
    raw('PING on a stream', 6, '12345678', { stream: 1 }),
    raw('GOAWAY on a stream', 7, '\0\0\0\0\0\0\0\0', { stream: 1 }),
    raw('GOAWAY of seven bytes', 7, '\0\0\0\0\0\0\0'),
    raw('a frame beyond what was agreed', 0, 'x'.repeat(20_000), { stream: 1 }),
    h2('another frame inside a head', [{ frame: { type: 1, stream: 1, payload: '\x82' } }, { ping: 'x' }]),
    h2(
      'more streams than were allowed',
      [{ headers: ask('POST'), stream: 1 }, { headers: ask('POST'), stream: 3 }, other('POST'), pause(50)],
      { manager: { http2ProtocolOptions: { maxConcurrentStreams: 1 } }, upstream: [[head, pause(300)]] },
    ),
    h2('HTTP/1 where HTTP/2 is spoken', ['GET / HTTP/1.1\r\nHost: shop\r\n\r\n'], {
      manager: { codecType: 'HTTP2' },
      downstreamWire: 'h1',
    }),
    {
      name: 'h2: prior knowledge where the codec is found out',
      client: [get],
      downstreamWire: 'h2',
      manager: { codecType: 'AUTO' },
    },
    {
      name: 'h1 where the codec is found out',
      client: ['GET / HTTP/1.1\r\nHost: shop\r\n\r\n'],
      manager: { codecType: 'AUTO' },
    },
  ],
}
