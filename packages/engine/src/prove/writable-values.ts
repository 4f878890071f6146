// What an attribute of a request may be: anything that can be received, and what clients usually write.
import type { Attribute } from '../predicate.ts'
import type { Node } from '../regex/syntax.ts'
import { inOrder, plainLanguage } from './text-language.ts'

/** Languages of which a value has to be, the plainest first; the last is all that can be received, on which a proof relies. */
export function writableValues({ name }: Attribute): readonly Node[] {
  return known[name] ?? anything
}

/** SPIFFE ids as workloads of a mesh have them. */
export const workloadIds = languages(
  'spiffe://cluster\\.local/ns/[a-z0-9-]+/sa/[a-z0-9-]+',
  'spiffe://[a-z0-9.-]+/ns/[a-z0-9-]+/sa/[a-z0-9-]+',
  'spiffe://[!-~]+',
)

/** Other names of a certificate: SPIFFE allows one URI only (X.509-SVID section 2), and no other name has a slash. */
export const otherNames = languages('[a-z0-9]([a-z0-9.-]*[a-z0-9])?', '[!-.0-~]+')

const anything = languages('[^\\n]*')

const name = "[a-zA-Z0-9._~!$&'()*+,;=%-]+"
const usualHost = '[a-z0-9]([a-zA-Z0-9_.~-]*[a-zA-Z0-9])?(:[0-9]{1,5})?'

/** Authorities that are no address in brackets; it may be empty (RFC 9112 section 3.2). */
export const namedHosts = languages(usualHost, `${name}(:[0-9]{0,5})?`, `(${name}(:[0-9]{0,5})?)?`)

/** Addresses in brackets, without a port and with one. */
export const bracketedHosts = languages('\\[[0-9A-Fa-f:.]+\\]', '\\[[0-9A-Fa-f:.]+\\]:[0-9]{0,5}')

const host = [
  ...namedHosts.slice(0, 2),
  ...bracketedHosts,
  ...languages(`((${name}|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{0,5})?)?`),
]

const shown: Node = {
  kind: 'set',
  set: {
    negated: false,
    ranges: [
      [33, 126],
      [128, 255],
    ],
  },
}
const inside: Node = {
  kind: 'set',
  set: {
    negated: false,
    ranges: [
      [9, 9],
      [32, 126],
      [128, 255],
    ],
  },
}
/** RFC 9110 section 5.5: blanks around a value are not part of it. */
const fieldValue: Node = {
  kind: 'either',
  options: [
    inOrder(),
    shown,
    inOrder(shown, { kind: 'repeat', of: inside, min: 0, max: Number.POSITIVE_INFINITY }, shown),
  ],
}

/** As it stays when it is normalised. */
const plainPath = '/|(/[a-zA-Z0-9_~-][a-zA-Z0-9._~-]*)+/?'

const known: Partial<Record<Attribute['name'], readonly Node[]>> = {
  'request.method': languages(
    'GET|POST|PUT|DELETE|HEAD|OPTIONS|PATCH|TRACE',
    // What proxies take over HTTP/1.1.
    'ACL|BIND|CHECKOUT|CONNECT|COPY|LINK|LOCK|MERGE|MKACTIVITY|MKCALENDAR|MKCOL|MOVE|M-SEARCH|NOTIFY|PROPFIND|PROPPATCH|' +
      'PURGE|REBIND|REPORT|SEARCH|SOURCE|SUBSCRIBE|UNBIND|UNLINK|UNLOCK|UNSUBSCRIBE',
    "[!#$%&'*+.^_`|~0-9A-Za-z-]+",
  ),
  'request.url_path': languages(plainPath, '/[!-"$->@-~]*'),
  'request.path': languages(`(${plainPath})(\\?[a-zA-Z0-9&=._~-]*)?`, '/[!-"$-~]*'),
  'request.query_params': languages('[a-zA-Z0-9._~-]*', '[!-"$-%\'-~]*'),
  'request.headers': [...languages('([!-~]([ -~]*[!-~])?)?'), fieldValue],
  'request.scheme': languages('https?'),
  'request.host': host,
  'request.host_name': host,
}

function languages(...sources: readonly string[]): readonly Node[] {
  return sources.map((source) => {
    const node = plainLanguage(source)
    if (node === undefined) throw new Error(`${source} is not plain`)
    return node
  })
}
