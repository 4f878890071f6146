// HPACK as tests drive it: fields as pairs.
import { Buffer } from 'node:buffer'
import type { FieldName } from './field-name.ts'
import { FieldFlag, type FieldSink, HpackDecoder } from './hpack-decoder.ts'
import { HpackEncoder } from './hpack-encoder.ts'
import { BufferPool, OutputBuffer } from './output-buffer.ts'

/** A decoded field. */
export interface PlainField {
  readonly name: string
  readonly value: string
  readonly neverIndexed: boolean
}

/** Keeps the fields of a block. */
export class FieldList implements FieldSink {
  full = false
  readonly fields: PlainField[] = []
  onField(name: FieldName, value: string, flags: number): void {
    this.fields.push({ name: name.text, value, neverIndexed: (flags & FieldFlag.NEVER_INDEXED) !== 0 })
  }
}

/** Decodes a block; the fault, or the fields. */
export function decodeFields(decoder: HpackDecoder, block: Buffer): PlainField[] | string {
  const list = new FieldList()
  return decoder.decode(block, 0, block.length, list) ?? list.fields
}

/** Encodes a block. */
export function encodeFields(
  encoder: HpackEncoder,
  fields: readonly { readonly name: string; readonly value: string; readonly neverIndexed?: boolean }[],
): Buffer {
  const output = new OutputBuffer(new BufferPool())
  encoder.begin(output)
  for (const { name, value, neverIndexed } of fields) encoder.field(output, name, value, neverIndexed ?? false)
  return Buffer.from(output.bytes.subarray(0, output.length))
}

/** As `encodeFields`, but from the bytes of header lines of HTTP/1.1. */
export function encodeLines(
  encoder: HpackEncoder,
  fields: readonly { readonly name: string; readonly value: string }[],
): Buffer {
  const output = new OutputBuffer(new BufferPool())
  encoder.begin(output)
  for (const { name, value } of fields) {
    const source = Buffer.from(`before${name}: ${value}\r\n`, 'latin1')
    const from = name.length + 2
    const offsets = Int32Array.of(0, name.length, from, from + value.length, from + value.length + 2)
    encoder.line(output, { source, base: 6, offsets }, 0)
  }
  return Buffer.from(output.bytes.subarray(0, output.length))
}

/** A decoder and an encoder that talk to each other. */
export function hpackPair(): { readonly decoder: HpackDecoder; readonly encoder: HpackEncoder } {
  return { decoder: new HpackDecoder(), encoder: new HpackEncoder() }
}
