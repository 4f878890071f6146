// ACK and NACK of the one response of a type that is in flight.
import { LeanDecodeError, LeanReader, type LeanAny } from '../lean-wire.ts'
import { LeanWriter } from '../lean-writer.ts'
import { isWanted, type Pending, refuse, type ServerEffect, type TypeState } from './stream-state.ts'

/** The part of `google.rpc.Status` this needs. */
export interface ErrorDetail {
  readonly message: string
  readonly details: readonly LeanAny[]
}

/** A resource named in a NACK. */
export interface NamedError {
  readonly name: string
  readonly reason: string
}

const badRequestUrl = 'type.googleapis.com/google.rpc.BadRequest'

/** The client took the response. */
export function acknowledge(type: TypeState, pending: Pending): ServerEffect[] {
  type.pending = undefined
  type.everAccepted = true
  apply(type, pending, new Set())
  return [{ kind: 'accepted', typeUrl: type.typeUrl, names: [...pending.changes.keys(), ...pending.removals] }]
}

/**
 * The client refused the response. Resources it names are refused and the others count as taken, as Envoy does it. If it
 * names none (a decoding error, say) nothing was taken, and the changes are tried one at a time.
 */
export function refuseResponse(type: TypeState, pending: Pending, error: ErrorDetail): ServerEffect[] {
  type.pending = undefined
  const names = [...pending.changes.keys()]
  const [only] = names
  const named = namedErrors(error, names)
  const bad =
    named.length === 0 && names.length === 1 && only !== undefined
      ? [{ name: only, reason: oneLine(error.message) }]
      : named
  if (bad.length === 0) {
    if (names.length === 0) apply(type, pending, new Set())
    else type.probe = names
    return [{ kind: 'refused-unnamed', typeUrl: type.typeUrl, reason: oneLine(error.message) }]
  }
  apply(type, pending, new Set(bad.map((item) => item.name)))
  return bad.flatMap(({ name, reason }) => {
    const resource = pending.changes.get(name)
    if (resource === undefined) return []
    const refusal = { resource, reason }
    refuse(type, refusal)
    if (type.probe[0] === name) type.probe.shift()
    return [{ kind: 'refused', typeUrl: type.typeUrl, refusal }]
  })
}

function apply(type: TypeState, pending: Pending, except: ReadonlySet<string>): void {
  for (const [name, resource] of pending.changes) {
    if (type.probe[0] === name && !except.has(name)) type.probe.shift()
    if (!except.has(name) && !pending.dropped.has(name) && isWanted(type, name)) type.held.set(name, resource)
  }
  for (const name of pending.removals) type.held.delete(name)
}

/**
 * Which of the names sent an `error_detail` blames: by `google.rpc.BadRequest` details (Weft's proxy), or in the text, as
 * Envoy writes it: `Error adding/updating listener(s) NAME: reason`, one per line or separated by commas.
 */
function namedErrors(error: ErrorDetail, names: readonly string[]): NamedError[] {
  const structured = error.details
    .filter((any) => any.typeUrl === badRequestUrl)
    .flatMap((any) => readBadRequest(any.value))
    .filter((item) => names.includes(item.name))
  if (structured.length > 0) return structured
  const starts = names
    .map((name) => ({ name, at: findName(error.message, name) }))
    .filter((item) => item.at >= 0)
    .sort((a, b) => a.at - b.at)
  return starts.map(({ name, at }, index) => {
    const end = starts[index + 1]?.at ?? error.message.length
    const reason = error.message.slice(at + name.length + 1, end)
    return { name, reason: oneLine(reason).replace(/^[\s:]+|[\s,]+$/g, '') }
  })
}

/** Envoy prints the message that it refuses over several lines, behind a mark of protobuf's that differs from run to run. */
function oneLine(reason: string): string {
  return reason
    .replace(/goo\.gle\/debug\w+/g, '')
    .replace(/\s+/g, ' ')
    .trim()
}

/** Where `NAME:` stands in the text with nothing glued to its front; -1 when it does not. */
function findName(text: string, name: string): number {
  for (let at = text.indexOf(`${name}:`); at >= 0; at = text.indexOf(`${name}:`, at + 1)) {
    if (at === 0 || /[\s,()]/.test(text[at - 1] as string)) return at
  }
  return -1
}

/** A `google.rpc.BadRequest` that names each refused resource. */
export function badRequestDetail(errors: readonly NamedError[]): LeanAny {
  const writer = new LeanWriter()
  for (const { name, reason } of errors) {
    writer.message(10, (violation) => {
      violation.uint32(10)
      violation.string(name)
      violation.uint32(18)
      violation.string(reason)
    })
  }
  return { typeUrl: badRequestUrl, value: writer.finish() }
}

function readBadRequest(bytes: Uint8Array): NamedError[] {
  const reader = new LeanReader(bytes, [])
  const errors: NamedError[] = []
  try {
    while (reader.pos < reader.end) {
      const tag = reader.tag()
      if (tag === 10) errors.push(reader.message(readViolation))
      else reader.skip(tag)
    }
  } catch (error) {
    // Garbage in the details of an error only means that it names nothing.
    if (!(error instanceof LeanDecodeError)) throw error
  }
  return errors
}

function readViolation(reader: LeanReader): NamedError {
  let name = ''
  let reason = ''
  while (reader.pos < reader.end) {
    const tag = reader.tag()
    if (tag === 10) name = reader.string()
    else if (tag === 18) reason = reader.string()
    else reader.skip(tag)
  }
  return { name, reason }
}
