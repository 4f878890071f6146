// Encodes responses around resources that are encoded already: sizes first, then one buffer, each body copied once.
import type { EncodedResource } from '../resource-table.ts'
import type { ServerEffect } from './stream-state.ts'

type Send = Extract<ServerEffect, { kind: 'send' }>

const utf8 = new TextEncoder()

/** `envoy.service.discovery.v3.DeltaDiscoveryResponse`. */
export function encodeDeltaResponse(send: Send): Uint8Array {
  const type = utf8.encode(send.typeUrl)
  const parts: Part[] = [textPart(10, send.tableVersion)]
  for (const resource of send.resources) parts.push(resourcePart(resource, type))
  parts.push({ tag: 34, size: type.length, write: (out) => out.bytes(type) }, textPart(42, send.nonce))
  for (const name of send.removed) parts.push(textPart(50, name))
  return join(parts)
}

/** `envoy.service.discovery.v3.DiscoveryResponse`. */
export function encodeSotwResponse(send: Send): Uint8Array {
  const type = utf8.encode(send.typeUrl)
  const parts: Part[] = [textPart(10, send.tableVersion)]
  for (const resource of send.resources) parts.push(anyPart(18, type, resource.body))
  parts.push({ tag: 34, size: type.length, write: (out) => out.bytes(type) }, textPart(42, send.nonce))
  return join(parts)
}

/** A length-delimited field: all tags here are below 128, so a tag is one byte. */
interface Part {
  readonly tag: number
  readonly size: number
  readonly write: (out: Output) => void
}

class Output {
  readonly buffer: Uint8Array
  private at = 0

  constructor(size: number) {
    this.buffer = new Uint8Array(size)
  }

  bytes(value: Uint8Array): void {
    this.buffer.set(value, this.at)
    this.at += value.length
  }

  part(part: Part): void {
    this.buffer[this.at++] = part.tag
    let rest = part.size
    for (; rest > 0x7f; rest >>>= 7) this.buffer[this.at++] = (rest & 0x7f) | 0x80
    this.buffer[this.at++] = rest
    part.write(this)
  }
}

function sizeOf(part: Part): number {
  let size = part.size + 2
  for (let rest = part.size; rest > 0x7f; rest >>>= 7) size++
  return size
}

function bytesPart(tag: number, value: Uint8Array): Part {
  return { tag, size: value.length, write: (out) => out.bytes(value) }
}

function textPart(tag: number, text: string): Part {
  return bytesPart(tag, utf8.encode(text))
}

function anyPart(tag: number, type: Uint8Array, body: Uint8Array): Part {
  return messagePart(tag, [bytesPart(10, type), bytesPart(18, body)])
}

function resourcePart(resource: EncodedResource, type: Uint8Array): Part {
  return messagePart(18, [
    textPart(10, resource.version),
    anyPart(18, type, resource.body),
    textPart(26, resource.name),
  ])
}

function messagePart(tag: number, parts: readonly Part[]): Part {
  return {
    tag,
    size: parts.reduce((sum, part) => sum + sizeOf(part), 0),
    write: (out) => {
      for (const part of parts) out.part(part)
    },
  }
}

function join(parts: readonly Part[]): Uint8Array {
  const out = new Output(parts.reduce((sum, part) => sum + sizeOf(part), 0))
  for (const part of parts) out.part(part)
  return out.buffer
}
