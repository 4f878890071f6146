// Sessions that stay at one endpoint: its address travels in a cookie or a header (Envoy's stateful_session).
import type { SessionState } from '../model.ts'
import type { RequestHead } from '../request-head.ts'
import { cookieValue, setCookie } from './cookies.ts'

/** Whether the state concerns requests of this path: a cookie with a path is sent with some only. */
export function concerns(state: SessionState, path: string): boolean {
  if (state.kind === 'header') return true
  const { path: under } = state.made
  if (under === '' || under === '/') return true
  if (!path.startsWith(under)) return false
  return under.endsWith('/') || path.length === under.length || /[/?#]/.test(path[under.length] as string)
}

/** The key of the endpoint that the request asks for; undefined: none, or its time is over. */
export function sessionEndpoint(state: SessionState, head: RequestHead, wallMs: number): string | undefined {
  const written = state.kind === 'header' ? head.header(state.name) : cookieValue(head, state.name)
  const bytes = written === undefined ? undefined : decoded(written)
  if (bytes === undefined || bytes === '') return undefined
  if (state.kind === 'header') return bytes
  const cookie = readCookie(bytes)
  // What is no message is an address, as older Envoys wrote it.
  if (cookie === undefined) return bytes
  if (cookie.address === '' || (cookie.expiresS !== 0 && cookie.expiresS * 1000 < wallMs)) return undefined
  return cookie.address
}

/** The header line, name and value, by which an answer tells which endpoint gave it. */
export function sessionLine(state: SessionState, key: string, wallMs: number): readonly [string, string] {
  if (state.kind === 'header') return [state.name, btoa(key)]
  const { ttlMs } = state.made
  const expiresS = ttlMs === 0 ? 0 : Math.floor((wallMs + ttlMs) / 1000)
  return ['set-cookie', setCookie(state.name, btoa(writeCookie(key, expiresS)), state.made)]
}

/** Bytes of base64, each as a character; undefined: it is none. */
function decoded(text: string): string | undefined {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length % 4 === 0 ? atob(text) : undefined
}

/** `envoy.Cookie`: the address is field 1, the seconds at which it ends field 2. */
function writeCookie(address: string, expiresS: number): string {
  const ends = expiresS === 0 ? '' : `\x10${varint(expiresS)}`
  return `\x0a${varint(address.length)}${address}${ends}`
}

function varint(value: number): string {
  let text = ''
  let left = value
  for (; left > 127; left = Math.floor(left / 128)) text += String.fromCharCode((left % 128) + 128)
  return text + String.fromCharCode(left)
}

function readCookie(bytes: string): { readonly address: string; readonly expiresS: number } | undefined {
  let address = ''
  let expiresS = 0
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes.charCodeAt(at)
    const number = readVarint(bytes, at + 1)
    if (number === undefined) return undefined
    if (tag === 0x10) {
      expiresS = number.value
      at = number.end
    } else if (tag === 0x0a && number.end + number.value <= bytes.length) {
      address = bytes.slice(number.end, number.end + number.value)
      at = number.end + number.value
    } else return undefined
  }
  return { address, expiresS }
}

function readVarint(bytes: string, from: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0
  // Seven bytes hold more than any time there is.
  for (let at = from, scale = 1; at < bytes.length && at < from + 7; at++, scale *= 128) {
    const byte = bytes.charCodeAt(at)
    value += (byte % 128) * scale
    if (byte < 128) return { value, end: at + 1 }
  }
  return undefined
}
