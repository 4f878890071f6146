import { type Family, get, type ProtocolCase, request } from '../protocol-case.ts'

const sent = (name: string, text: string, more: Partial<ProtocolCase> = {}): ProtocolCase => ({
  name,
  client: [text],
  ...more,
})
const many = (count: number): string => Array.from({ length: count }, (_, at) => `X-${at}: y\r\n`).join('')

/** Request lines, header lines and their limits. */
export const heads: Family = {
  name: 'heads of requests',
  cases: [
    sent('HTTP/0.9', 'GET /\r\n\r\n'),
    sent('HTTP/1.2', 'GET / HTTP/1.2\r\nHost: shop\r\n\r\n'),
    sent('HTTP/2.0 as a version', 'GET / HTTP/2.0\r\nHost: shop\r\n\r\n'),
    sent('HTTP/0.9 as a version', 'GET / HTTP/0.9\r\nHost: shop\r\n\r\n'),
    sent('HTTP/1.10', 'GET / HTTP/1.10\r\nHost: shop\r\n\r\n'),
    sent('a version of letters', 'GET / HTTP/x.y\r\nHost: shop\r\n\r\n'),
    sent('a version in lower case', 'GET / http/1.1\r\nHost: shop\r\n\r\n'),
    sent('no version', 'GET / \r\nHost: shop\r\n\r\n'),
    sent('two spaces before the target', 'GET  / HTTP/1.1\r\nHost: shop\r\n\r\n'),
    sent('a tab before the target', 'GET\t/ HTTP/1.1\r\nHost: shop\r\n\r\n'),
    sent('a space in the target', 'GET /a b HTTP/1.1\r\nHost: shop\r\n\r\n'),
    sent('a space behind the version', 'GET / HTTP/1.1 \r\nHost: shop\r\n\r\n'),
    sent('no method', ' / HTTP/1.1\r\nHost: shop\r\n\r\n'),
    sent('a method of other bytes', 'G(T / HTTP/1.1\r\nHost: shop\r\n\r\n'),
    sent('empty lines before a request', `\r\n\r\n${get()}`),
    sent('a header line without a colon', get('/', 'nonsense\r\n')),
    sent('a header without a name', get('/', ': y\r\n')),
    sent('a space in a name', get('/', 'X Y: z\r\n')),
    sent('a space before the colon', get('/', 'X : z\r\n')),
    sent('NUL in a value', get('/', 'X: a\x00b\r\n')),
    sent('a bare CR in a value', get('/', 'X: a\rb\r\n')),
    sent('a control character in a value', get('/', 'X: a\x01b\r\n')),
    sent('a control character in a name', get('/', 'X\x01: a\r\n')),
    sent('a control character in the target', get('/a\x01b')),
    sent('DEL in a value', get('/', 'X: a\x7fb\r\n')),
    sent('bytes above 127 in a name', get('/', 'X\xe4: a\r\n')),
    sent('bytes above 127 in the target', get('/\xe4')),
    sent('a name with an underscore', get('/', 'x_y: z\r\n')),
    sent('a name with an underscore where they are refused', get('/', 'x_y: z\r\n'), {
      manager: { commonHttpProtocolOptions: { headersWithUnderscoresAction: 'REJECT_REQUEST' } },
    }),
    sent('a name with an underscore where they are dropped', get('/', 'x_y: z\r\nx-y: z\r\n'), {
      manager: { commonHttpProtocolOptions: { headersWithUnderscoresAction: 'DROP_HEADER' } },
    }),
    sent('a fragment in the target', get('/a#b')),
    sent('a bare LF behind the request line', 'GET / HTTP/1.1\nHost: shop\r\n\r\n'),
    sent('a folded header line', get('/', 'X: a\r\n b\r\n')),
    sent('a head of 70 kB', get('/', `X: ${'x'.repeat(70_000)}\r\n`)),
    sent('a target of 70 kB', get(`/${'a'.repeat(70_000)}`)),
    sent('a value of 50 kB is fine', get('/', `X: ${'x'.repeat(50_000)}\r\n`)),
    sent('a head beyond a limit of 1 kB', get('/', `X: ${'x'.repeat(1_200)}\r\n`), {
      manager: { maxRequestHeadersKb: 1 },
    }),
    sent('a head below a limit of 1 kB', get('/', `X: ${'x'.repeat(700)}\r\n`), {
      manager: { maxRequestHeadersKb: 1 },
    }),
    sent('99 header lines and Host are fine', get('/', many(99))),
    sent('101 header lines and Host are too many', get('/', many(101))),
    sent('more lines than a limit of ten', get('/', many(11)), {
      manager: { commonHttpProtocolOptions: { maxHeadersCount: 10 } },
    }),
    sent('as many lines as a limit of ten', get('/', many(9)), {
      manager: { commonHttpProtocolOptions: { maxHeadersCount: 10 } },
    }),
    sent('a request of TLS', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n'),
    sent('the preface of HTTP/2 on HTTP/1', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00', {
      manager: { codecType: 'HTTP1' },
    }),
    sent('a head that never ends, then the end of sending', 'GET / HTTP/1.1\r\nHost: shop\r\nX:', {
      client: ['GET / HTTP/1.1\r\nHost: shop\r\nX:', { act: 'end' }],
    }),
    sent('an end of sending before any byte', '', { client: [{ act: 'end' }] }),
    sent('a PUT in capitals and small letters', request('Put', '/')),
  ],
}
