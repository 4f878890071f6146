// Encodes responses around resources that are encoded already. What stands around a resource is encoded once, a response that
// goes to several streams too; the rest is copying.
import { concatenated } from '@weft/core'
import type { EncodedResource } from '../resource-table.ts'
import type { ServerEffect } from './stream-state.ts'

type Send = Extract<ServerEffect, { kind: 'send' }>

const utf8 = new TextEncoder()

/** `envoy.service.discovery.v3.DeltaDiscoveryResponse`. */
export function encodeDeltaResponse({ tableVersion, typeUrl, nonce, removed, resources }: Send): Uint8Array {
  const removals = removed.map((name) => textField(50, name))
  const after = [textField(34, typeUrl), textField(42, nonce), ...removals]
  return spliced(textField(10, tableVersion), resources, framesOf(deltaFrames, resources, typeUrl, deltaFrame), after)
}

/** `envoy.service.discovery.v3.DiscoveryResponse`. */
export function encodeSotwResponse({ tableVersion, typeUrl, nonce, resources }: Send): Uint8Array {
  const after = [textField(34, typeUrl), textField(42, nonce)]
  return spliced(textField(10, tableVersion), resources, framesOf(sotwFrames, resources, typeUrl, sotwFrame), after)
}

/** Encodes responses; streams that are sent the same one after the other get the same bytes. */
export class SharedResponses {
  readonly #last = new Map<string, { readonly send: Send; readonly bytes: Uint8Array }>()

  /** The bytes of a response; nobody may change them. */
  encode(kind: 'delta' | 'sotw', send: Send): Uint8Array {
    const key = `${kind}|${send.typeUrl}`
    const last = this.#last.get(key)
    if (last !== undefined && isSame(last.send, send)) return last.bytes
    const bytes = kind === 'delta' ? encodeDeltaResponse(send) : encodeSotwResponse(send)
    this.#last.set(key, { send, bytes })
    return bytes
  }
}

function isSame(a: Send, b: Send): boolean {
  return (
    a.nonce === b.nonce &&
    a.tableVersion === b.tableVersion &&
    sameItems(a.resources, b.resources) &&
    sameItems(a.removed, b.removed)
  )
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}

/** What stands before and after a resource's body in a response. */
interface Frame {
  readonly head: Uint8Array
  readonly tail: Uint8Array
}

const nothing = new Uint8Array()
const deltaFrames = new WeakMap<EncodedResource, Frame>()
const sotwFrames = new WeakMap<EncodedResource, Frame>()

function framesOf(
  known: WeakMap<EncodedResource, Frame>,
  resources: readonly EncodedResource[],
  typeUrl: string,
  make: (resource: EncodedResource, typeUrl: string) => Frame,
): Frame[] {
  return resources.map((resource) => {
    let frame = known.get(resource)
    if (frame === undefined) known.set(resource, (frame = make(resource, typeUrl)))
    return frame
  })
}

/** A `Resource` field: version, the body in an `Any`, name. */
function deltaFrame({ name, version, body }: EncodedResource, typeUrl: string): Frame {
  const any = anyHead(body, typeUrl)
  const inner = concatenated([textField(10, version), header(18, any.length + body.length), any])
  const tail = textField(26, name)
  return { head: concatenated([header(18, inner.length + body.length + tail.length), inner]), tail }
}

/** An `Any` field. */
function sotwFrame({ body }: EncodedResource, typeUrl: string): Frame {
  const any = anyHead(body, typeUrl)
  return { head: concatenated([header(18, any.length + body.length), any]), tail: nothing }
}

function anyHead(body: Uint8Array, typeUrl: string): Uint8Array {
  return concatenated([textField(10, typeUrl), header(18, body.length)])
}

function spliced(
  before: Uint8Array,
  resources: readonly EncodedResource[],
  frames: readonly Frame[],
  after: readonly Uint8Array[],
): Uint8Array {
  const pieces = [before]
  for (const [index, { body }] of resources.entries()) {
    const { head, tail } = frames[index] as Frame
    pieces.push(head, body, tail)
  }
  return concatenated([...pieces, ...after])
}

/** Tag and size of a length-delimited field: all tags here are below 128, so a tag is one byte. */
function header(tag: number, size: number): Uint8Array {
  const bytes = [tag]
  let rest = size
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return Uint8Array.from(bytes)
}

function textField(tag: number, text: string): Uint8Array {
  const bytes = utf8.encode(text)
  return concatenated([header(tag, bytes.length), bytes])
}
