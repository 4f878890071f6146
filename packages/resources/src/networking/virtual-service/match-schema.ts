// Schemas of the conditions in a VirtualService.
import { formats } from '../../schema/formats.ts'
import { boolean, type Finding, list, mapOf, object, portNumber, type Schema, text } from '../../schema/schema.ts'
import { labels, presenceMatch, stringMatch } from '../match-schema.ts'
import type { StringMatch } from '../string-match.ts'

const notForMatching = 'Label-based statistics are not supported; remove the field.'

/** The gateways a rule applies to. */
export const gatewayNames: Schema = list(text('gateway-name'), { min: 1 })

/** Header conditions, keyed by header name. */
const headerMatches: Schema = mapOf(presenceMatch, 'header-name')

/** Conditions on a request. */
export const httpMatch: Schema = object(
  {
    name: text('not-empty'),
    uri: { ...stringMatch },
    scheme: stringMatch,
    method: stringMatch,
    authority: stringMatch,
    headers: headerMatches,
    withoutHeaders: headerMatches,
    queryParams: mapOf(presenceMatch, 'not-empty'),
    port: portNumber,
    ignoreUriCase: boolean,
    gateways: gatewayNames,
    sourceLabels: labels,
    sourceNamespace: text('dns-label'),
  },
  { unsupported: { statPrefix: notForMatching }, check: checkMatch },
)

/** Conditions on a connection. */
export const tcpMatch: Schema = object(
  { port: portNumber, gateways: gatewayNames, sourceLabels: labels, sourceNamespace: text('dns-label') },
  {
    unsupported: {
      destinationSubnets: 'Match by `port` instead.',
      sourceSubnet: 'Match by `sourceLabels` instead.',
    },
  },
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
