// Schema of Istio's RequestAuthentication.
import { oneSelection } from '../../networking/match-schema.ts'
import { boolean, doc, exactlyOne, type Finding, list, object, type Schema, text, word } from '../../schema/schema.ts'
import { targetFields } from '../../networking/target-reference.ts'
import { formats } from '../../schema/formats.ts'
import { shown } from '../../schema/shaped.ts'
import { selector } from '../selector-schema.ts'
import { keySetMistake } from './key-set.ts'

const names = list(text('short-text'))
const keysUrl = doc('Where the public keys of the issuer are fetched.', text('url'))

const jwtRule = object(
  {
    issuer: doc('Who issues the tokens.', text('short-text')),
    audiences: doc('Audiences of which a token must name one.', names),
    jwksUri: keysUrl,
    jwks_uri: keysUrl,
    jwks: doc('The public keys of the issuer themselves.', text('not-empty')),
    fromHeaders: doc(
      'Headers that hold a token.',
      list(
        object(
          {
            name: doc('Name of the header.', text('header-name')),
            prefix: doc('What stands before the token.', text('header-value')),
          },
          { required: ['name'] },
        ),
      ),
    ),
    fromParams: doc('Query parameters that hold a token.', names),
    fromCookies: doc('Cookies that hold a token.', names),
    outputPayloadToHeader: doc('Header that carries the payload on.', text('plain-name')),
    forwardOriginalToken: doc('Whether the token is sent on.', boolean),
    outputClaimToHeaders: doc(
      'Claims that are sent on as headers.',
      list(
        object(
          {
            header: doc('Name of the header.', text('plain-name')),
            claim: doc('Name of the claim.', text('short-text')),
          },
          { required: ['header', 'claim'] },
        ),
      ),
    ),
    spaceDelimitedClaims: doc('Claims whose text is a list of words.', list(text('short-text'), { max: 64 })),
    timeout: doc('Time limit of fetching the keys; 5s unless written.', text('positive-duration')),
    presence: doc('Whether a request must have a token.', word(['PRESENCE_UNSPECIFIED', 'OPTIONAL', 'REQUIRED'])),
  },
  { check: checkKeys },
)

/** Schema of `spec`. */
export const requestAuthenticationSchema: Schema = object(
  { selector, jwtRules: doc('Tokens that are accepted.', list(jwtRule, { max: 4096 })), ...targetFields },
  { check: oneSelection },
)

interface WrittenRule {
  readonly jwks?: string
  readonly jwksUri?: string
  readonly jwks_uri?: string
}

/** Keys are never looked for: who can answer for the issuer's name could then sign for it. */
function* checkKeys(rule: WrittenRule): Iterable<Finding> {
  yield* exactlyOne(['jwks', 'jwksUri', 'jwks_uri'], 0)(rule)
  if (rule.jwks === undefined && rule.jwksUri === undefined && rule.jwks_uri === undefined) {
    const message = 'has neither `jwks` nor `jwksUri`, and keys are not looked for at the issuer'
    yield { code: 'unsupported-value', message, mend: 'Add `jwksUri`, or the keys themselves as `jwks`.' }
  }
  for (const field of ['jwksUri', 'jwks_uri'] as const) {
    const uri = rule[field]
    // What is no URL at all is told by its format.
    if (uri === undefined || formats.url(uri) !== undefined || URL.canParse(uri)) continue
    const message = `${shown(uri)} has a host that is neither a name nor an address`
    yield { at: [field], code: 'bad-format', message, mend: 'Correct the host.' }
  }
  const mistake = rule.jwks === undefined ? undefined : keySetMistake(rule.jwks)
  if (mistake !== undefined) yield { at: ['jwks'], code: 'bad-format', ...mistake }
}
