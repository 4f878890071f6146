// llhttp's own cases through the codec, judged as a strict proxy should: what llhttp refuses is refused, what it takes
// only when told to be lenient is refused too, and where both accept, bodies and message ends are the same. Each
// deliberate difference is named here with its reason; one that is no longer a difference fails.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { byteWise, readRequests, readResponse } from '../../packages/proxy/src/codec/h1/codec-under-test.ts'
import { type LlhttpCase, llhttpCases } from './llhttp-cases.ts'

const dir = join(process.env['WEFT_TEST_DATA'] ?? join(import.meta.dirname, '../../../shared/data'), 'llhttp')
const skip = existsSync(dir) ? false : 'the data of llhttp is not here'

const unknownMethod = 'methods are an open set (RFC 9110 16.1): any token passes, and routes and policies judge it'
const noUpgrade = 'no protocol is switched to: what follows is judged as the next request, and refused'
const closed = 'bytes behind the last message of a connection are not read at all'
const unfinished = 'the head does not end in the data; when it does, the fault is found (framing-attacks.test.ts)'
const otherProtocol = 'not HTTP'
const oneCoding = 'any coding but one `chunked` is refused: another reader may frame it otherwise'

const handedOn =
  'what follows the head of an upgrade is handed on as it comes, as Envoy does; no other request follows it'

/** Accepted here and refused there, or the other way round. */
const otherVerdict: Readonly<Record<string, string>> = {
  'request/connection#CRLF between requests, explicit `close`': closed,
  'request/connection#CRLF between requests, explicit `close` (lenient)': closed,
  'request/connection#CRLF between requests, explicit `close` followed by tab': closed,
  'request/connection#No restart when keep-alive is off (1.0)': closed,
  'request/connection#Resetting flags when keep-alive is off (1.0, lenient)': closed,
  'request/content-length#Error on `Content-Length` overflow': unfinished,
  'request/content-length#Error on duplicate `Content-Length`': unfinished,
  'request/invalid#HTTP protocol and ANNOUNCE method': unknownMethod,
  'request/invalid#Invalid method': unknownMethod,
  'request/method#CONNECT with body': 'a CONNECT has no body: what follows belongs to the tunnel (RFC 9110 9.3.6)',
  'request/method#SOURCE request with ICE': otherProtocol,
  'request/method#OPTIONS request with RTSP': otherProtocol,
  'request/method#ANNOUNCE request with RTSP': otherProtocol,
  'request/method#PRI request HTTP2': 'the preface of HTTP/2 is no request of HTTP/1.1',
  'request/sample#No HTTP version': 'HTTP/0.9',
  'request/transfer-encoding#POST with `chunked` as last transfer-encoding':
    'a fragment in the target; and a second coding',
  'request/transfer-encoding#POST with `chunked` as last transfer-encoding (multiple headers)':
    'a fragment in the target; and a second coding',
  'response/connection#HTTP/1.1 with keep-alive disabled and 204 status': closed,
  'response/connection#HTTP/1.1 with keep-alive disabled, content-length': closed,
  'response/connection#HTTP/1.1 with keep-alive disabled and 204 status (lenient)': closed,
  'response/connection#HTTP/1.1 with keep-alive disabled, content-length (lenient)': closed,
  'response/connection#HTTP 101 response with Upgrade and Content-Length header': noUpgrade,
  'response/connection#HTTP 101 response with Upgrade and Transfer-Encoding header': noUpgrade,
  'response/connection#HTTP 100 first, then 400': 'an empty line in front of a response is not of HTTP',
  'response/sample#Response starting with CRLF': 'an empty line in front of a response is not of HTTP',
  'response/sample#RTSP response': otherProtocol,
  'response/sample#ICE response': otherProtocol,
  'response/sample#HTTP version 0.9': 'HTTP/0.9',
  'response/transfer-encoding#`chunked` before other transfer-encoding': oneCoding,
  'response/transfer-encoding#multiple transfer-encoding where chunked is not the last one': oneCoding,
  'response/transfer-encoding#`chunkedchunked` transfer-encoding does not enable chunked enconding': oneCoding,
}

const oneResponse = 'one response per request: what follows was not asked for, and ends the connection'

/** Both accept, and read something else. */
const otherFraming: Readonly<Record<string, string>> = {
  'request/connection#Emitting part of body and pausing': handedOn,
  'request/connection#Upgrade POST request': handedOn,
  'response/connection#HTTP 304 with Content-Length': oneResponse,
  'response/connection#HTTP 304 with Transfer-Encoding': oneResponse,
  'response/finish#It should be safe to finish with cb after empty response':
    'the end of the connection ends the message; llhttp leaves it to its caller to say so',
  'response/pipelining#Should parse multiple events': oneResponse,
}

/** What the codec makes of it. */
interface Reading {
  readonly fault: string | undefined
  readonly bodies: string
  readonly whole: number
}

function read({ side, input, finish }: LlhttpCase, cut = (bytes: Buffer): Buffer[] => [bytes]): Reading {
  const pieces = cut(Buffer.from(input, 'latin1'))
  if (side === 'request') {
    const { fault, messages } = readRequests(pieces)
    const whole = messages.filter((message) => message.whole).length
    return { fault, bodies: messages.map(({ body }) => body).join(''), whole }
  }
  const { fault, response, informational } = readResponse(pieces, { ends: finish })
  return { fault, bodies: response?.body ?? '', whole: informational.length + (response?.whole === true ? 1 : 0) }
}

const cases = skip === false ? llhttpCases(dir) : []
const key = ({ side, input }: LlhttpCase): string => `${side} ${input}`

test('every case of the data is read', { skip }, () => {
  assert.equal(cases.length, 251)
  assert.equal(cases.filter(({ fault }) => fault !== undefined).length > 60, true)
})

test('what llhttp refuses, or takes only leniently, is refused; what it takes is taken', { skip }, () => {
  const taken = new Set(cases.filter((each) => !each.lenient && each.fault === undefined).map(key))
  const different = cases
    .filter((each) => {
      const expected = each.lenient ? taken.has(key(each)) : each.fault === undefined
      return (read(each).fault === undefined) !== expected
    })
    .map(({ name }) => name)
  assert.deepEqual(different.sort(), Object.keys(otherVerdict).sort())
})

test('where both take a message, its body and its end are the same', { skip }, () => {
  const flat = (text: string): string => text.replaceAll(/[\r\n]/g, '')
  const different = cases
    .filter((each) => !each.lenient && !each.skipBody && each.fault === undefined)
    .map((each) => ({ each, reading: read(each) }))
    .filter(({ reading }) => reading.fault === undefined)
    .filter(({ each, reading }) => flat(reading.bodies) !== each.bodies || reading.whole !== each.whole)
    .map(({ each }) => each.name)
  assert.deepEqual(different.sort(), Object.keys(otherFraming).sort())
})

test('every case is read byte by byte as it is in one piece', { skip }, () => {
  for (const each of cases) assert.deepEqual(read(each, byteWise), read(each), each.name)
})
