import { answer, type Family, get, head, other, type ProtocolCase, request } from '../protocol-case.ts'

const sent = (name: string, lines: string, body: string, method = 'POST'): ProtocolCase => ({
  name,
  client: [request(method, '/', lines, body)],
  upstream: 'echo',
})
const inChunks = (name: string, body: string): ProtocolCase => sent(name, 'Transfer-Encoding: chunked\r\n', body)

/** Lengths, codings and chunks of requests that are not quite as they should be. */
export const framing: Family = {
  name: 'framing of requests',
  cases: [
    sent(
      'both a length and a coding',
      'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
      '5\r\nhello\r\n0\r\n\r\n',
    ),
    sent(
      'a coding and then a length',
      'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n',
      '5\r\nhello\r\n0\r\n\r\n',
    ),
    sent('the same length twice', 'Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'),
    sent('two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n', 'hello!'),
    sent('a list of the same lengths', 'Content-Length: 5, 5\r\n', 'hello'),
    sent('a length with a sign', 'Content-Length: +5\r\n', 'hello'),
    sent('a negative length', 'Content-Length: -5\r\n', 'hello'),
    sent('a hexadecimal length', 'Content-Length: 0x5\r\n', 'hello'),
    sent('a length of letters', 'Content-Length: five\r\n', 'hello'),
    sent('an empty length', 'Content-Length:\r\n', ''),
    sent('a length with leading zeros', 'Content-Length: 0005\r\n', 'hello'),
    sent('a length of 2^64', 'Content-Length: 18446744073709551616\r\n', 'hello'),
    sent('a length with spaces around it', 'Content-Length:   5   \r\n', 'hello'),
    sent('a length and a space inside', 'Content-Length: 5 5\r\n', 'hello'),
    sent('an unknown coding', 'Transfer-Encoding: gzip\r\n', 'hello'),
    sent('a coding before chunked', 'Transfer-Encoding: gzip, chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'),
    sent('chunked before another coding', 'Transfer-Encoding: chunked, gzip\r\n', '5\r\nhello\r\n0\r\n\r\n'),
    sent('chunked twice in a list', 'Transfer-Encoding: chunked, chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'),
    sent(
      'chunked twice in two lines',
      'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
      '5\r\nhello\r\n0\r\n\r\n',
    ),
    sent('identity as a coding', 'Transfer-Encoding: identity\r\n', ''),
    sent('an empty coding', 'Transfer-Encoding:\r\n', ''),
    sent('a coding in capitals', 'Transfer-Encoding: CHUNKED\r\n', '5\r\nhello\r\n0\r\n\r\n'),
    sent('a coding in quotes', 'Transfer-Encoding: "chunked"\r\n', '5\r\nhello\r\n0\r\n\r\n'),
    sent('a space before the colon of a coding', 'Transfer-Encoding : chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'),
    sent('a GET with a coding', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n', 'GET'),
    {
      name: 'a coding in HTTP/1.0',
      client: ['POST / HTTP/1.0\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
      manager: { httpProtocolOptions: { acceptHttp10: true } },
    },
    inChunks('chunk sizes in capitals', 'A\r\n0123456789\r\n0\r\n\r\n'),
    inChunks('chunk sizes with leading zeros', '0005\r\nhello\r\n000\r\n\r\n'),
    inChunks('a chunk extension is dropped', '5;a=b\r\nhello\r\n0\r\n\r\n'),
    inChunks('a chunk extension in quotes', '5;a="b c"\r\nhello\r\n0;d\r\n\r\n'),
    inChunks('a chunk size that is no number', 'g\r\nhello\r\n0\r\n\r\n'),
    inChunks('a chunk size with a sign', '-5\r\nhello\r\n0\r\n\r\n'),
    inChunks('a chunk size with 0x', '0x5\r\nhello\r\n0\r\n\r\n'),
    inChunks('an empty chunk size', '\r\nhello\r\n0\r\n\r\n'),
    inChunks('a chunk size beyond 2^64', 'fffffffffffffffff\r\nhello\r\n0\r\n\r\n'),
    inChunks('a chunk longer than it says', '5\r\nhello!!\r\n0\r\n\r\n'),
    inChunks('a chunk that is not ended', '5\r\nhello0\r\n\r\n'),
    inChunks('a chunk that ends in LF', '5\r\nhello\n0\r\n\r\n'),
    inChunks('an extension with NUL', '5;a\x00\r\nhello\r\n0\r\n\r\n'),
    inChunks('a trailer of a request is dropped or kept', '5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n'),
    inChunks('a trailer without a colon', '5\r\nhello\r\n0\r\nnonsense\r\n\r\n'),
    inChunks('a length among trailers', '5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n'),
    {
      name: 'trailers of a request are kept where they are enabled',
      client: [request('POST', '/', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n')],
      upstream: 'echo',
      manager: { httpProtocolOptions: { enableTrailers: true } },
    },
    {
      name: 'trailers of an answer are dropped where nothing is enabled',
      client: [get()],
      upstream: [[head, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n']],
    },
    {
      name: 'a request behind one with a length is another request',
      client: [`${request('POST', '/1', 'Content-Length: 5\r\n', 'hello')}${get('/2')}`],
      upstream: 'echo',
    },
    {
      name: 'a request behind a chunked one is another request',
      client: [`${request('POST', '/1', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n')}${get('/2')}`],
      upstream: 'echo',
    },
    {
      name: 'rubbish behind a request is refused after its answer',
      client: [`${request('POST', '/1', 'Content-Length: 5\r\n', 'hello')}rubbish\r\n\r\n`],
      upstream: 'echo',
    },
    {
      name: 'a chunked body that stops, then the end of sending',
      client: [
        request('POST', '/', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n'),
        other('hello'),
        { act: 'end' },
      ],
      upstream: 'echo',
    },
    {
      name: 'an answer with a Content-Length in capitals',
      client: [get()],
      upstream: [[head, answer('ok').replace('Content-Length', 'CONTENT-LENGTH')]],
    },
  ],
}
