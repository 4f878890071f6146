// Requests that one reader may take for something else than the next one does (RFC 9112 11.2, "HTTP desync"), with the
// only outcome that is safe. `/smuggled` never reaches an upstream as a request. Nothing here is served that Envoy 1.40
// refuses; Envoy also takes folded headers, bare LF, two Hosts, chunk sizes with white space and endless extensions, which
// are refused here.

/** One case. */
export interface FramingCase {
  readonly name: string
  /** latin1. */
  readonly bytes: string
  /** Statuses the client sees, in order. */
  readonly answers: readonly number[]
  /** What the upstream takes for requests: `METHOD target host [body]`. */
  readonly upstream?: readonly string[]
  /** The client stops sending behind the bytes: they are not a whole message. */
  readonly ends?: boolean
}

const hidden = 'GET /smuggled HTTP/1.1\r\nHost: shop\r\n\r\n'
const close = 'Connection: close\r\n'

const head = (lines: string, method = 'POST'): string => `${method} /a HTTP/1.1\r\nHost: shop\r\n${lines}\r\n`
const refused = (name: string, bytes: string, status = 400): FramingCase => ({ name, bytes, answers: [status] })
const served = (name: string, bytes: string, ...upstream: string[]): FramingCase => ({
  name,
  bytes,
  answers: upstream.map(() => 200),
  upstream,
})

/** A chunked request that is refused while its body is read: what the upstream has seen of it never becomes whole. */
const badChunks = (name: string, body: string): FramingCase =>
  refused(name, `${head('Transfer-Encoding: chunked\r\n')}${body}${hidden}`)

const bothLengths: FramingCase[] = [
  refused(
    'Content-Length before Transfer-Encoding',
    `${head('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\n${hidden}`,
  ),
  refused(
    'Transfer-Encoding before Content-Length',
    `${head('Transfer-Encoding: chunked\r\nContent-Length: 44\r\n')}0\r\n\r\n${hidden}`,
  ),
  refused(
    'Content-Length: 0 with Transfer-Encoding',
    `${head('Content-Length: 0\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\n${hidden}`,
  ),
]

const lengths: FramingCase[] = [
  ...[
    '-1',
    '+5',
    '0x5',
    '5a',
    '',
    '5 5',
    '5, 5',
    '5,6',
    '5,',
    '1e1',
    '5.0',
    '5;q=1',
    '5\x00',
    '5\x0b',
    '\xb2',
    '99999999999999999999',
    '9007199254740993',
    '18446744073709551621',
  ].map((value) =>
    refused(`Content-Length ${JSON.stringify(value)}`, `${head(`Content-Length: ${value}\r\n`)}hello${hidden}`),
  ),
  refused('the same Content-Length twice', `${head('Content-Length: 5\r\nContent-Length: 5\r\n')}hello${hidden}`),
  refused('two Content-Lengths', `${head('Content-Length: 5\r\nContent-Length: 44\r\n')}hello${hidden}`),
  refused('a folded Content-Length', `${head('Content-Length:\r\n 5\r\n')}hello${hidden}`),
]

const codings: FramingCase[] = [
  ...[
    'xchunked',
    'chunked, identity',
    'identity',
    'identity, chunked',
    'gzip, chunked',
    'chunked, chunked',
    '"chunked"',
    'chunked;q=1',
    'chun ked',
    'chunked,',
    ',chunked',
    '',
    'x',
  ].map((value) =>
    refused(
      `Transfer-Encoding ${JSON.stringify(value)}`,
      `${head(`Transfer-Encoding: ${value}\r\n`)}0\r\n\r\n${hidden}`,
      501,
    ),
  ),
  refused(
    'two Transfer-Encodings',
    `${head('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n')}0\r\n\r\n${hidden}`,
    501,
  ),
  refused(
    'chunked twice',
    `${head('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\n${hidden}`,
    501,
  ),
  ...['\x0bchunked', 'chunked\x00', '\x7fchunked', 'chunked\x0c'].map((value) =>
    refused(
      `Transfer-Encoding ${JSON.stringify(value)}`,
      `${head(`Transfer-Encoding: ${value}\r\n`)}0\r\n\r\n${hidden}`,
    ),
  ),
  refused(
    'a coding in HTTP/1.0',
    `POST /a HTTP/1.0\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
  ),
  ...[
    'Transfer-Encoding : chunked',
    'Transfer-Encoding\t: chunked',
    ' Transfer-Encoding: chunked',
    '\tTransfer-Encoding: chunked',
    'Transfer-Encoding:\r\n chunked',
    'X: y\r\n Transfer-Encoding: chunked',
    'X: y\rTransfer-Encoding: chunked',
    'X: y\nTransfer-Encoding: chunked',
    'Transfer\x00-Encoding: chunked',
    'Transfer Encoding: chunked',
    'Transfer-Encoding\xa0: chunked',
    '\x0bTransfer-Encoding: chunked',
  ].map((line) =>
    refused(`the line ${JSON.stringify(line)}`, `${head(`Content-Length: 5\r\n${line}\r\n`)}0\r\n\r\n${hidden}`),
  ),
  served(
    'a tab before chunked is white space',
    `${head(`Transfer-Encoding:\tchunked \t\r\n${close}`)}5\r\nhello\r\n0\r\n\r\n`,
    'POST /a shop hello',
  ),
  served(
    'codings are named in any case',
    `${head(`transfer-ENCODING: Chunked\r\n${close}`)}5\r\nhello\r\n0\r\n\r\n`,
    'POST /a shop hello',
  ),
]

const lines: FramingCase[] = [
  refused('bare LF everywhere', 'GET /a HTTP/1.1\nHost: shop\n\n'),
  refused('a bare LF behind the request line', `GET /a HTTP/1.1\nHost: shop\r\n\r\n`),
  refused('a bare LF behind a header', `GET /a HTTP/1.1\r\nHost: shop\nX: y\r\n\r\n`),
  refused('a bare LF for the empty line', `GET /a HTTP/1.1\r\nHost: shop\r\n\n${hidden}`),
  refused('a bare LF before the request', `\nGET /a HTTP/1.1\r\nHost: shop\r\n\r\n`),
  refused('a bare CR behind the request line', `GET /a HTTP/1.1\rHost: shop\r\n\r\n`),
  refused('a bare CR for the empty line', `GET /a HTTP/1.1\r\nHost: shop\r\n\r${hidden}`),
  refused('a bare CR before the request', `\rGET /a HTTP/1.1\r\nHost: shop\r\n\r\n`),
  refused('CR CR LF', `GET /a HTTP/1.1\r\nHost: shop\r\r\nX: y\r\n\r\n`),
  refused('a header line without a colon', head('nonsense\r\n')),
  refused('a header without a name', head(': value\r\n')),
  refused('a line of white space', head(' \r\n')),
  ...['\x00', '\x01', '\x08', '\x0b', '\x1b', '\x7f'].flatMap((byte) => [
    refused(`byte ${byte.charCodeAt(0)} in a value`, head(`X: a${byte}b\r\n`)),
    refused(`byte ${byte.charCodeAt(0)} in a name`, head(`X${byte}Y: a\r\n`)),
    refused(`byte ${byte.charCodeAt(0)} in the target`, `GET /a${byte}b HTTP/1.1\r\nHost: shop\r\n\r\n`),
    refused(`byte ${byte.charCodeAt(0)} in the method`, `G${byte}T /a HTTP/1.1\r\nHost: shop\r\n\r\n`),
  ]),
  served('empty lines before a request are skipped', `\r\n\r\n${head(close, 'GET')}`, 'GET /a shop'),
]

const requestLines: FramingCase[] = [
  refused('HTTP/0.9', 'GET /a\r\n', 426),
  refused('HTTP/0.9 with a version', 'GET /a HTTP/0.9\r\nHost: shop\r\n\r\n', 426),
  refused('HTTP/1.2', 'GET /a HTTP/1.2\r\nHost: shop\r\n\r\n', 426),
  refused('HTTP/1.10', 'GET /a HTTP/1.10\r\nHost: shop\r\n\r\n'),
  refused('http/1.1', 'GET /a http/1.1\r\nHost: shop\r\n\r\n'),
  refused('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00'),
  refused('a TLS handshake', '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00'),
  refused('HTTP/1.0 is told to upgrade', `GET /a HTTP/1.0\r\nHost: shop\r\n\r\n${hidden}`, 426),
  refused('no method', ' /a HTTP/1.1\r\nHost: shop\r\n\r\n'),
  refused('no target', 'GET HTTP/1.1\r\nHost: shop\r\n\r\n', 426),
  refused('a method of other bytes', 'G(T /a HTTP/1.1\r\nHost: shop\r\n\r\n'),
  refused('a method without end', `${'G'.repeat(40)} /a HTTP/1.1\r\nHost: shop\r\n\r\n`),
  refused('two spaces before the target', 'GET  /a HTTP/1.1\r\nHost: shop\r\n\r\n'),
  refused('a tab before the target', 'GET\t/a HTTP/1.1\r\nHost: shop\r\n\r\n'),
  refused('a space in the target', 'GET /a b HTTP/1.1\r\nHost: shop\r\n\r\n'),
  refused('a fragment', 'GET /a#b HTTP/1.1\r\nHost: shop\r\n\r\n'),
  refused('a space behind the version', 'GET /a HTTP/1.1 \r\nHost: shop\r\n\r\n'),
]

const hosts: FramingCase[] = [
  refused('no Host', `GET /a HTTP/1.1\r\n${close}\r\n`),
  refused('two Hosts', 'GET /a HTTP/1.1\r\nHost: shop\r\nHost: evil\r\n\r\n'),
  refused('the same Host twice', 'GET /a HTTP/1.1\r\nHost: shop\r\nHost: shop\r\n\r\n'),
  ...[
    'shop evil',
    'shop, evil',
    'user@shop',
    'shop/x',
    'shop:1234567',
    'shop:x',
    '[::1',
    'sh\xf6p',
    'shop?x',
    'shop\\x',
  ].map((value) => refused(`Host ${JSON.stringify(value)}`, `GET /a HTTP/1.1\r\nHost: ${value}\r\n${close}\r\n`)),
  served('an empty Host', `GET /a HTTP/1.1\r\nHost:\r\n${close}\r\n`, 'GET /a '),
  refused('absolute form without Host', `GET http://shop/a HTTP/1.1\r\n${close}\r\n`),
  refused('absolute form with a user', `GET http://u:p@shop/a HTTP/1.1\r\nHost: shop\r\n\r\n`),
  refused('absolute form of another scheme', `GET ftp://shop/a HTTP/1.1\r\nHost: shop\r\n\r\n`),
  refused('absolute form without a host', `GET http:///a HTTP/1.1\r\nHost: shop\r\n\r\n`),
  refused('asterisk form with GET', `GET * HTTP/1.1\r\nHost: shop\r\n\r\n`),
  refused('a target that is a word', `GET a HTTP/1.1\r\nHost: shop\r\n\r\n`),
  served('the absolute form wins over Host', `GET http://shop/a HTTP/1.1\r\nHost: evil\r\n${close}\r\n`, 'GET /a shop'),
]

const sizes: FramingCase[] = [
  refused('a head without end', head(`X: ${'x'.repeat(70_000)}\r\n`), 431),
  refused('a target without end', `GET /${'a'.repeat(70_000)} HTTP/1.1\r\nHost: shop\r\n\r\n`, 431),
  refused('too many headers', head('X: y\r\n'.repeat(120)), 431),
]

const chunks: FramingCase[] = [
  ...[
    '-5',
    '+5',
    '0x5',
    'g',
    '',
    ' 5',
    '5 ',
    '5 6',
    '5 abc',
    '5\x00',
    '5,',
    '5\t',
    '5_0',
    'FFFFFFFFFFFFFFFFF',
    '10000000000000005',
    '00000000000000000005',
  ].map((size) => badChunks(`chunk size ${JSON.stringify(size)}`, `${size}\r\nhello\r\n0\r\n\r\n`)),
  badChunks('a chunk size that ends in LF', '5\nhello\r\n0\r\n\r\n'),
  badChunks('a chunk size that ends in CR CR LF', '5\r\r\nhello\r\n0\r\n\r\n'),
  badChunks('a chunk longer than its size', '5\r\nhello!\r\n0\r\n\r\n'),
  badChunks('a chunk that ends in LF', '5\r\nhello\n0\r\n\r\n'),
  badChunks('a chunk that ends in CR', '5\r\nhello\r0\r\n\r\n'),
  badChunks('a chunk without an end', '5\r\nhello0\r\n\r\n'),
  badChunks('an extension that ends in LF', '5;x\nhello\r\n0\r\n\r\n'),
  badChunks('an extension with a bare CR', '5;x\ry\r\nhello\r\n0\r\n\r\n'),
  badChunks('an extension with NUL', '5;x\x00\r\nhello\r\n0\r\n\r\n'),
  badChunks('an endless extension', `5;${'x'.repeat(2_000)}\r\nhello\r\n0\r\n\r\n`),
  badChunks('one-byte chunks with extensions', `${`1;${'x'.repeat(900)}\r\na\r\n`.repeat(20)}0\r\n\r\n`),
  badChunks('a trailer without a colon', '0\r\nnonsense\r\n\r\n'),
  badChunks('a folded trailer', '0\r\nX: y\r\n z\r\n\r\n'),
  badChunks('a trailer that ends in LF', '0\r\nX: y\n\r\n'),
  badChunks('a trailer with NUL', '0\r\nX: \x00\r\n\r\n'),
  badChunks('trailers without end', `0\r\n${`X: ${'y'.repeat(1_000)}\r\n`.repeat(20)}\r\n`),
  badChunks('an end of LF', '0\r\n\n'),
  {
    name: 'a body that stops inside a chunk',
    bytes: `${head('Transfer-Encoding: chunked\r\n')}5\r\nhel`,
    answers: [],
    ends: true,
  },
  {
    name: 'a body that stops before its last chunk',
    bytes: `${head('Transfer-Encoding: chunked\r\n')}5\r\nhello\r\n`,
    answers: [],
    ends: true,
  },
  { name: 'a body shorter than its length', bytes: `${head('Content-Length: 6\r\n')}hello`, answers: [], ends: true },
  served(
    'extensions and trailers are dropped',
    `${head(`Transfer-Encoding: chunked\r\n${close}`)}5;x="y"\r\nhello\r\n0;z\r\nHost: evil\r\nContent-Length: 3\r\n\r\n`,
    'POST /a shop hello',
  ),
]

const inside = (body: string): string => `POST /a shop ${body}`
const pairs: FramingCase[] = [
  served(
    'a request inside a body of known length',
    `${head(`Content-Length: ${hidden.length}\r\n${close}`)}${hidden}`,
    inside(hidden),
  ),
  served(
    'a request inside a chunk',
    `${head(`Transfer-Encoding: chunked\r\n${close}`)}${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
    inside(hidden),
  ),
  served(
    'a request inside the body of a GET',
    `${head(`Content-Length: ${hidden.length}\r\n${close}`, 'GET')}${hidden}`,
    `GET /a shop ${hidden}`,
  ),
  served(
    'a Connection header that names the length',
    `${head(`Content-Length: ${hidden.length}\r\nConnection: close, Content-Length\r\n`)}${hidden}`,
    inside(hidden),
  ),
  served(
    'a Connection header that names the coding',
    `${head('Transfer-Encoding: chunked\r\nConnection: close, Transfer-Encoding\r\n')}${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
    inside(hidden),
  ),
  served(
    'an offer of h2c',
    `${head(`Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: close, Upgrade, HTTP2-Settings\r\nContent-Length: ${hidden.length}\r\n`)}${hidden}`,
    inside(hidden),
  ),
  {
    name: 'a request inside an expected body',
    bytes: `${head(`Expect: 100-continue\r\nContent-Length: ${hidden.length}\r\n${close}`)}${hidden}`,
    answers: [100, 200],
    upstream: [inside(hidden)],
  },
  served(
    'two requests are two requests',
    `${head('Content-Length: 5\r\n')}hello${head(close, 'GET')}`,
    inside('hello'),
    'GET /a shop',
  ),
  {
    name: 'a request that is refused behind one that is not',
    bytes: `${head('Content-Length: 5\r\n')}hello GET /smuggled`,
    answers: [200, 400],
    upstream: [inside('hello')],
  },
  {
    name: 'the end of a chunked body a reader of length would leave',
    bytes: `${head('Transfer_Encoding: chunked\r\n', 'GET')}0\r\n\r\n${hidden}`,
    answers: [200, 400],
    upstream: ['GET /a shop'],
  },
  refused(
    'a request inside a body that nobody reads',
    `POST /a HTTP/1.1\r\nContent-Length: ${hidden.length + 1}\r\n\r\n${hidden}`,
  ),
  refused(
    'a request behind a refused upgrade',
    `${head('Upgrade: websocket\r\nConnection: Upgrade, close\r\n', 'GET')}${hidden}`,
    403,
  ),
  refused(
    'a CONNECT with a body',
    `CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  ),
  refused(
    'a chunked CONNECT',
    `CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
  ),
]

/** All cases. */
export const framingCases: readonly FramingCase[] = [
  ...bothLengths,
  ...lengths,
  ...codings,
  ...lines,
  ...requestLines,
  ...hosts,
  ...sizes,
  ...chunks,
  ...pairs,
]
