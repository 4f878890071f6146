// Headers the proxy itself looks at, as small numbers, so that nothing is compared by string on the way through.

/** Kinds of headers; `OTHER` is passed through unseen. */
export const HeaderKind = {
  OTHER: 0,
  HOST: 1,
  CONTENT_LENGTH: 2,
  TRANSFER_ENCODING: 3,
  CONNECTION: 4,
  KEEP_ALIVE: 5,
  PROXY_CONNECTION: 6,
  UPGRADE: 7,
  TE: 8,
  TRAILER: 9,
  EXPECT: 10,
  X_REQUEST_ID: 11,
  X_FORWARDED_FOR: 12,
  X_FORWARDED_PROTO: 13,
  X_FORWARDED_CLIENT_CERT: 14,
  /** Any `x-envoy-*` that may ask for something; those by which proxies only tell each other something have kinds of their own. */
  X_ENVOY: 15,
  SERVER: 16,
  DATE: 17,
  VIA: 18,
  AUTHORIZATION: 19,
  COOKIE: 20,
  GRPC_STATUS: 21,
  CONTENT_TYPE: 22,
  X_ENVOY_UPSTREAM_SERVICE_TIME: 23,
  X_ENVOY_EXTERNAL_ADDRESS: 24,
  X_ENVOY_ATTEMPT_COUNT: 25,
} as const

const names: readonly (readonly [string, number])[] = [
  ['host', HeaderKind.HOST],
  ['content-length', HeaderKind.CONTENT_LENGTH],
  ['transfer-encoding', HeaderKind.TRANSFER_ENCODING],
  ['connection', HeaderKind.CONNECTION],
  ['keep-alive', HeaderKind.KEEP_ALIVE],
  ['proxy-connection', HeaderKind.PROXY_CONNECTION],
  ['upgrade', HeaderKind.UPGRADE],
  ['te', HeaderKind.TE],
  ['trailer', HeaderKind.TRAILER],
  ['expect', HeaderKind.EXPECT],
  ['x-request-id', HeaderKind.X_REQUEST_ID],
  ['x-forwarded-for', HeaderKind.X_FORWARDED_FOR],
  ['x-forwarded-proto', HeaderKind.X_FORWARDED_PROTO],
  ['x-forwarded-client-cert', HeaderKind.X_FORWARDED_CLIENT_CERT],
  ['server', HeaderKind.SERVER],
  ['date', HeaderKind.DATE],
  ['via', HeaderKind.VIA],
  ['authorization', HeaderKind.AUTHORIZATION],
  ['cookie', HeaderKind.COOKIE],
  ['grpc-status', HeaderKind.GRPC_STATUS],
  ['content-type', HeaderKind.CONTENT_TYPE],
  ['x-envoy-upstream-service-time', HeaderKind.X_ENVOY_UPSTREAM_SERVICE_TIME],
  ['x-envoy-external-address', HeaderKind.X_ENVOY_EXTERNAL_ADDRESS],
  ['x-envoy-attempt-count', HeaderKind.X_ENVOY_ATTEMPT_COUNT],
]

const longest = 32

/** Names as bytes, and where to find one by its length and first letter: no two share both. */
const bytesOfNames: readonly Uint8Array[] = names.map(([name]) => new TextEncoder().encode(name))
const kindsOfNames: readonly number[] = names.map(([, kind]) => kind)
const places = placesOfNames()
const envoyPrefix = new TextEncoder().encode('x-envoy-')
const letterX = 0x18

function placesOfNames(): Int8Array {
  const table = new Int8Array(longest * 32).fill(-1)
  names.forEach(([name], index) => {
    const place = name.length * 32 + (name.charCodeAt(0) & 0x1f)
    if (table[place] !== -1) throw new Error(`${name} needs another look-up than by length and first letter`)
    table[place] = index
  })
  return table
}

/** The kind of the header whose name is `bytes[start, end)`; the name is made of token characters. */
export function headerKindOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  const letter = (bytes[start] as number) & 0x1f
  const index = length < longest ? (places[length * 32 + letter] as number) : -1
  if (index >= 0 && sameIgnoringCase(bytes, start, bytesOfNames[index] as Uint8Array)) {
    return kindsOfNames[index] as number
  }
  const isEnvoy = letter === letterX && length > 8 && sameIgnoringCase(bytes, start, envoyPrefix)
  return isEnvoy ? HeaderKind.X_ENVOY : HeaderKind.OTHER
}

/** `expected` is lower-case letters and `-`; setting bit 5 lowers a letter and maps no other token character onto one. */
function sameIgnoringCase(bytes: Uint8Array, start: number, expected: Uint8Array): boolean {
  for (let at = 0; at < expected.length; at++) {
    if (((bytes[start + at] as number) | 0x20) !== expected[at]) return false
  }
  return true
}

const kindsByName = new Map(names)

/** The kind of a header by its lower-case name. */
export function kindOfName(name: string): number {
  return kindsByName.get(name) ?? (name.startsWith('x-envoy-') ? HeaderKind.X_ENVOY : HeaderKind.OTHER)
}
