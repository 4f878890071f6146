// Heads to HEADERS and CONTINUATION frames, straight into the output.
import { Buffer } from 'node:buffer'
import type { BodyExtent, OutgoingRequest } from '../http-stream.ts'
import { H1Head } from '../h1/h1-head.ts'
import { HeaderKind } from '../header-kind.ts'
import type { MessageHead } from '../message-head.ts'
import { defaultFrameBytes, endFrame, FrameFlag, frameHeadBytes, FrameType, writeFrameHead } from './frame.ts'
import type { HpackEncoder } from './hpack-encoder.ts'
import type { OutputBuffer } from './output-buffer.ts'

/** Where a head goes. */
export interface HeadPlace {
  readonly output: OutputBuffer
  readonly encoder: HpackEncoder
  readonly id: number
  /** END_STREAM goes with it. */
  readonly ends: boolean
}

/** Fields of one HTTP/1.1 connection, which no HTTP/2 message may have (RFC 9113 8.2.2); `host` is `:authority`. */
const connectionKinds =
  (1 << HeaderKind.CONNECTION) |
  (1 << HeaderKind.KEEP_ALIVE) |
  (1 << HeaderKind.PROXY_CONNECTION) |
  (1 << HeaderKind.TRANSFER_ENCODING) |
  (1 << HeaderKind.UPGRADE) |
  (1 << HeaderKind.HOST)
const connectionNames = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'host'],
])
/** A bit for each letter they begin with: most names that are added begin with another. */
const connectionInitials = [...connectionNames].reduce((bits, name) => bits | initialOf(name), 0)

/** Writes a request. Returns where its frame begins. */
export function writeRequest(place: HeadPlace, request: OutgoingRequest): number {
  const at = beginBlock(place)
  const { output, encoder } = place
  const { upgrade, head, extra } = request
  const connect = request.method === 'CONNECT' && upgrade === undefined
  encoder.field(output, ':method', upgrade === undefined ? request.method : 'CONNECT', false)
  if (upgrade !== undefined) encoder.field(output, ':protocol', upgrade, false)
  if (!connect) {
    encoder.field(output, ':scheme', request.scheme, false)
    encoder.field(output, ':path', request.path, false)
  }
  if (request.authority !== '') encoder.field(output, ':authority', request.authority, false)
  writeLines(place, head, request.body !== 'unknown' && upgrade === undefined && !connect)
  for (let index = 0; index < extra.length; index += 2) {
    writeAdded(place, extra[index] as string, extra[index + 1] as string)
  }
  endBlock(place, at)
  return at
}

/** Writes the head of an answer. Returns where its frame begins. */
export function writeResponse(place: HeadPlace, head: MessageHead, status: number, body: BodyExtent): number {
  const at = beginBlock(place)
  place.encoder.field(place.output, ':status', String(status), false)
  writeLines(place, head, body !== 'unknown' && status >= 200 && status !== 204)
  endBlock(place, at)
  return at
}

/** Writes trailers. */
export function writeTrailers(place: HeadPlace, trailers: MessageHead): void {
  const at = beginBlock(place)
  writeLines(place, trailers, false)
  endBlock(place, at)
}

function beginBlock({ output, encoder, id, ends }: HeadPlace): number {
  const at = output.length
  const flags = FrameFlag.END_HEADERS | (ends ? FrameFlag.END_STREAM : 0)
  writeFrameHead(output, 0, FrameType.HEADERS, flags, id)
  encoder.begin(output)
  return at
}

function writeLines(place: HeadPlace, head: MessageHead, withLength: boolean): void {
  const { output, encoder } = place
  const { count } = head
  // From the bytes it came in, as long as they are there: none of them becomes a string.
  const lines = head instanceof H1Head && head.source !== undefined ? head : undefined
  for (let index = 0; index < count; index++) {
    if (!passes(head, index, withLength)) continue
    if (lines !== undefined) encoder.line(output, lines, index)
    else writeField(place, head, index)
  }
  const { added } = head
  for (let index = 0; index < added.length; index += 2) {
    const name = added[index] as string
    if (name !== 'content-length' || withLength) writeAdded(place, name, added[index + 1] as string)
  }
}

function passes(head: MessageHead, index: number, withLength: boolean): boolean {
  if (head.isDropped(index)) return false
  const kind = head.kinds[index] as number
  if (kind === HeaderKind.OTHER) return true
  if (((1 << kind) & connectionKinds) !== 0) return false
  if (kind === HeaderKind.CONTENT_LENGTH) return withLength
  return kind !== HeaderKind.TE || head.isWord(index, 'trailers')
}

function writeField({ output, encoder }: HeadPlace, head: MessageHead, index: number): void {
  const name = head.nameAt(index)
  encoder.field(output, name, head.valueAt(index), head.unindexed?.includes(name) ?? false)
}

function writeAdded({ output, encoder }: HeadPlace, name: string, value: string): void {
  if ((connectionInitials & initialOf(name)) !== 0 && connectionNames.has(name)) return
  encoder.field(output, name, value, false)
}

function initialOf(name: string): number {
  return 1 << (name.charCodeAt(0) & 31)
}

function endBlock({ output, id, ends }: HeadPlace, at: number): void {
  if (output.length - at - frameHeadBytes <= defaultFrameBytes) endFrame(output, at)
  else splitBlock(output, at, id, ends)
}

/** A head that is larger than a frame goes on in CONTINUATION frames. */
function splitBlock(output: OutputBuffer, start: number, id: number, ends: boolean): void {
  const block = Buffer.from(output.bytes.subarray(start + frameHeadBytes, output.length))
  output.length = start
  for (let at = 0; at < block.length; at += defaultFrameBytes) {
    const length = Math.min(defaultFrameBytes, block.length - at)
    const type = at === 0 ? FrameType.HEADERS : FrameType.CONTINUATION
    const last = at + length === block.length
    const flags = (last ? FrameFlag.END_HEADERS : 0) | (at === 0 && ends ? FrameFlag.END_STREAM : 0)
    writeFrameHead(output, length, type, flags, id)
    block.copy(output.bytes, output.length, at, at + length)
    output.length += length
  }
}
