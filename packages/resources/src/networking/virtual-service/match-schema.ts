// Schemas of the conditions in a VirtualService.
import { formats } from '../../schema/formats.ts'
import { boolean, doc, type Finding, list, mapOf, object, portNumber, type Schema, text } from '../../schema/schema.ts'
import { labels, presenceMatch, stringMatch } from '../match-schema.ts'
import type { StringMatch } from '../string-match.ts'

/** The gateways a rule applies to. */
export const gatewayNames: Schema = list(text('gateway-name'), { min: 1 })

/** Header conditions, keyed by header name. */
const headerMatches: Schema = mapOf(presenceMatch, 'header-name')

const workloads: Readonly<Record<string, Schema>> = {
  sourceLabels: doc('Labels that the calling workload must carry; not looked at by gateways.', labels),
  sourceNamespace: doc('Namespace of the calling workload; not looked at by gateways.', text('dns-label')),
}

const callers: Readonly<Record<string, Schema>> = {
  port: doc('Port that the request was sent to.', portNumber),
  gateways: doc('Gateways (or `mesh`) it holds at; must be among those of the object.', gatewayNames),
  ...workloads,
}

/** Conditions on a request. */
export const httpMatch: Schema = object(
  {
    name: doc('Name of the condition, part of the name of the route.', text('not-empty')),
    uri: doc('Path of the request, without its query.', { ...stringMatch }),
    scheme: doc('Scheme of the request.', stringMatch),
    method: doc('Method of the request.', stringMatch),
    authority: doc('Host that the request names.', stringMatch),
    headers: doc('Headers that must match; an empty match: present.', headerMatches),
    withoutHeaders: doc('Headers that must not match; an empty match: absent.', headerMatches),
    queryParams: doc('Query parameters that must match; an empty match: present.', mapOf(presenceMatch, 'not-empty')),
    ...callers,
    ignoreUriCase: doc('Compares an exact or prefix `uri` without regard to case.', boolean),
    statPrefix: doc('Prefix of the metrics of the route.', text('not-empty')),
  },
  { check: checkMatch },
)

const subnets: Readonly<Record<string, Schema>> = {
  destinationSubnets: doc(
    'Address ranges that the connection was made to; a name that is asked for in a CONNECT has no address.',
    list(text('cidr'), { min: 1, max: 1024 }),
  ),
}

/** Conditions on a connection. */
export const tcpMatch: Schema = object({
  ...callers,
  ...subnets,
  sourceSubnet: doc('Address range that the connection comes from.', text('cidr')),
})

/** Conditions on a TLS connection that is passed through. */
export const tlsMatch: Schema = object(
  {
    sniHosts: doc('Server names that the client asks for; `*.` covers names below.', list(text('host'), { min: 1 })),
    ...callers,
    ...subnets,
  },
  { required: ['sniHosts'] },
)

interface WrittenMatch {
  readonly uri?: StringMatch
  readonly ignoreUriCase?: boolean
}

function* checkMatch(match: WrittenMatch): Iterable<Finding> {
  for (const kind of ['exact', 'prefix'] as const) {
    const path = match.uri?.[kind]
    if (path === undefined || path === '*' || formats.path(path) === undefined) continue
    const message = `${JSON.stringify(path)} matches no request, since paths begin with "/"`
    yield { at: ['uri', kind], code: 'bad-path', message, mend: `Write ${JSON.stringify(`/${path}`)}.` }
  }
  if (match.ignoreUriCase === true && match.uri?.regex !== undefined) {
    const message = 'has no effect on a `regex`'
    yield { at: ['ignoreUriCase'], severity: 'warning', code: 'no-effect', message, mend: 'Begin the regex with (?i).' }
  }
}
