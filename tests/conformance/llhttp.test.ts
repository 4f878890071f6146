// llhttp's own test cases: what it faults under its strict types we refuse, what it tolerates only leniently we refuse,
// and what it takes we take, but for the differences named below.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ChunkedDecoder } from '../../packages/proxy/src/codec/h1/chunked-decoder.ts'
import { requestFraming, responseFraming } from '../../packages/proxy/src/codec/h1/framing.ts'
import { H1Head } from '../../packages/proxy/src/codec/h1/h1-head.ts'

const root = join(process.env['WEFT_TEST_DATA'] ?? join(import.meta.dirname, '../../../shared/data'), 'llhttp')
const skip = existsSync(root) ? false : `no test data at ${root}`

interface Case {
  readonly id: string
  readonly type: string
  readonly input: string
  readonly faulty: boolean
}

/** Cases llhttp takes and we refuse on purpose, with the reason. */
const stricter: Readonly<Record<string, string>> = {
  'method.md SOURCE request with ICE': 'not HTTP',
  'method.md OPTIONS request with RTSP': 'not HTTP',
  'method.md ANNOUNCE request with RTSP': 'not HTTP',
  'method.md PRI request HTTP2': 'HTTP/2',
  'method.md CONNECT with body': 'a CONNECT has no body (RFC 9110 9.3.6): what follows is the tunnel',
  'sample.md No HTTP version': 'HTTP/0.9',
  'sample.md HTTP version 0.9': 'HTTP/0.9',
  'sample.md RTSP response': 'not HTTP',
  'sample.md ICE response': 'not HTTP',
  'finish.md It should be unsafe to finish inside of the header': 'a head that ends inside a name',
  'uri.md Fragment in URI': 'a fragment is never sent (RFC 9112 3.2)',
  'transfer-encoding.md POST with `chunked` as last transfer-encoding': 'a fragment, and a coding we do not know',
  'transfer-encoding.md POST with `chunked` as last transfer-encoding (multiple headers)': 'the same',
  'transfer-encoding.md `chunked` before other transfer-encoding': 'a coding we do not know',
  'transfer-encoding.md multiple transfer-encoding where chunked is not the last one': 'a coding we do not know',
  'transfer-encoding.md `chunkedchunked` transfer-encoding does not enable chunked enconding':
    'a coding we do not know',
}

/** Cases llhttp refuses and the codec takes, with what takes care of them. */
const elsewhere: Readonly<Record<string, string>> = {
  'connection.md No restart when keep-alive is off (1.0)': 'the connection closes: nothing behind is read',
  'connection.md Resetting flags when keep-alive is off (1.0, lenient)': 'the same',
  'connection.md HTTP/1.1 with keep-alive disabled and 204 status': 'the connection is not used again',
  'connection.md HTTP/1.1 with keep-alive disabled and 204 status (lenient)': 'the same',
  'invalid.md HTTP protocol and ANNOUNCE method': 'any token is a method (RFC 9110 9.1)',
  'invalid.md Invalid method': 'the same',
}

function casesOf(kind: 'request' | 'response'): Case[] {
  const cases: Case[] = []
  for (const file of readdirSync(join(root, kind))) {
    const text = readFileSync(join(root, kind, file), 'utf8')
    for (const section of text.split(/^#+ /m).slice(1)) {
      const title = section.slice(0, section.indexOf('\n'))
      const blocks = /<!-- meta=(\{.*?\}) -->\s*```http\n([^]*?)```\s*```log\n([^]*?)```/g
      for (const [, meta = '{}', http = '', log = ''] of section.matchAll(blocks)) {
        const { type } = JSON.parse(meta) as { type: string }
        const code = Number(/error code=(\d+)/.exec(log)?.[1] ?? 0)
        cases.push({ id: `${file} ${title}`, type, input: bytesOf(http), faulty: code > 0 && (code < 21 || code > 23) })
      }
    }
  }
  return cases
}

/** The data's rules, in its order. */
function bytesOf(http: string): string {
  return http
    .replace(/\n$/, '')
    .replace(/\\\n/g, '')
    .replace(/\n/g, '\r\n')
    .replace(/\\(r|n|t|f|x[0-9a-fA-F]{2}|[0-7]{3})/g, (_, code: string) => {
      const plain: Record<string, string> = { r: '\r', n: '\n', t: '\t', f: '\f' }
      const digits = code.startsWith('x') ? Number.parseInt(code.slice(1), 16) : Number.parseInt(code, 8)
      return plain[code] ?? String.fromCharCode(digits)
    })
}

/** Reads all messages of a stream; the first fault, or undefined. */
function faultOf(input: string, isResponse: boolean): string | undefined {
  const bytes = Buffer.from(input, 'latin1')
  let at = 0
  while (at < bytes.length) {
    while (bytes[at] === 13 && bytes[at + 1] === 10) at += 2
    if (at >= bytes.length) return undefined
    const head = new H1Head(isResponse)
    const outcome = head.parse(bytes, at, bytes.length, { maxBytes: 65_536, maxHeaders: 200 })
    // Some cases stop at the offending header; what is wrong with its value is judged at the end of the head.
    if (outcome === 'more') return input.endsWith('\r\n\r\n') ? undefined : faultOf(`${input}\r\n\r\n`, isResponse)
    if (outcome === 'fault') return head.fault?.details
    const framing = isResponse ? responseFraming(head, 'GET') : requestFraming(head)
    if ('status' in framing) return framing.details
    at += head.length
    if (head.value('upgrade') !== undefined || head.text.startsWith('CONNECT')) return undefined
    if (framing.kind === 'until-close') return undefined
    if (framing.kind === 'length') at += framing.bytes
    if (framing.kind === 'chunked') {
      const decoder = new ChunkedDecoder()
      at = decoder.decode(bytes, at, bytes.length, () => {})
      if (decoder.fault !== undefined) return decoder.fault
    }
  }
  return undefined
}

for (const kind of ['request', 'response'] as const) {
  test(`${kind}s are judged as llhttp judges them, but for the differences on record`, { skip }, () => {
    const cases = casesOf(kind)
    const plainAccepts = new Set(cases.filter(({ type, faulty }) => type === kind && !faulty).map(({ input }) => input))
    const surprises: string[] = []
    for (const { id, type, input, faulty } of cases) {
      const fault = faultOf(input, kind === 'response')
      const lenient = type.includes('lenient')
      const mustRefuse = (lenient && !plainAccepts.has(input)) || (!lenient && faulty)
      if (mustRefuse && fault === undefined && elsewhere[id] === undefined) surprises.push(`took: ${id} [${type}]`)
      if (!mustRefuse && fault !== undefined && stricter[id] === undefined)
        surprises.push(`refused (${fault}): ${id} [${type}]`)
    }
    assert.ok(cases.length > 60, `${cases.length} cases`)
    assert.deepEqual(surprises, [])
  })
}
