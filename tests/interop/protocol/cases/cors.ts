// What browsers ask and are told about pages of other origins.
import type { JsonObject } from '@bufbuild/protobuf'
import { cors, corsPolicy, router } from '../../../wire/proxy-under-test.ts'
import { answer, type Family, get, head, type ProtocolCase, request, until } from '../protocol-case.ts'

const shop = { allowOriginStringMatch: [{ exact: 'https://shop.example' }] }
const full = {
  ...shop,
  allowMethods: 'GET,PUT',
  allowHeaders: 'x-one,x-two',
  exposeHeaders: 'x-seen',
  maxAge: '600',
  allowCredentials: true,
}
const percent = (numerator: number): JsonObject => ({ defaultValue: { numerator, denominator: 'HUNDRED' } })

interface Levels {
  readonly route?: JsonObject
  readonly host?: JsonObject
  readonly config?: JsonObject
  /** Of the route. */
  readonly more?: JsonObject
  /** What it does. */
  readonly target?: JsonObject
}

const of = (policy: JsonObject | undefined): JsonObject => (policy === undefined ? {} : corsPolicy(policy))

const forward = { route: { cluster: 'up' } }

function routes({ route, host, config, more = {}, target = forward }: Levels): JsonObject {
  const one = { match: { prefix: '/' }, ...target, ...of(route), ...more }
  return { name: 'routes', virtualHosts: [{ name: 'any', domains: ['*'], routes: [one], ...of(host) }], ...of(config) }
}

const filters = { httpFilters: [cors, router] }
const from = (origin: string, more = ''): string => `Origin: ${origin}\r\n${more}`
const asksFor = (method: string): string => `Access-Control-Request-Method: ${method}\r\n`
const preflight = (origin: string, more = ''): string =>
  request('OPTIONS', '/', from(origin, `${asksFor('PUT')}Access-Control-Request-Headers: x-one\r\n${more}`))

const one = (name: string, sent: string, levels: Levels, more: Partial<ProtocolCase> = {}): ProtocolCase => ({
  name,
  client: [sent, head],
  routes: routes(levels),
  manager: filters,
  ...more,
})

/** The CORS filter. */
export const corsAnswers: Family = {
  name: 'CORS',
  cases: [
    one('a preflight of an allowed origin is answered with what it may do', preflight('https://shop.example'), {
      route: full,
    }),
    one('a preflight is answered with no more than the policy says', preflight('https://shop.example'), {
      route: shop,
    }),
    one('a preflight of another origin goes to the application', preflight('https://other.example'), { route: full }),
    one('a preflight of another origin is answered without a permission', preflight('https://other.example'), {
      route: { ...full, forwardNotMatchingPreflights: false },
    }),
    one(
      'a preflight of another origin that asks for a network of its own',
      preflight('https://other.example', 'Access-Control-Request-Private-Network: true\r\n'),
      { route: { ...full, forwardNotMatchingPreflights: false, allowPrivateNetworkAccess: true } },
    ),
    one('an answer to an allowed origin says so', get('/', from('https://shop.example')), { route: full }),
    one('an answer to another origin is as it was', get('/', from('https://other.example')), { route: full }),
    one('an answer to nobody in particular is as it was', get(), { route: full }),
    one('an empty origin is none', get('/', 'Origin:\r\n'), { route: full }),
    one('an origin is not lower-cased', get('/', from('https://SHOP.example')), { route: full }),
    one('OPTIONS without a method asked for is no preflight', request('OPTIONS', '/', from('https://shop.example')), {
      route: full,
    }),
    one(
      'OPTIONS with an empty method asked for is no preflight',
      request('OPTIONS', '/', from('https://shop.example', 'Access-Control-Request-Method:\r\n')),
      { route: full },
    ),
    one('a star among exact origins lets all in', get('/', from('https://any.example')), {
      route: { ...full, allowOriginStringMatch: [{ exact: '*' }] },
    }),
    one('an origin by prefix', get('/', from('https://shop.example.org')), {
      route: { allowOriginStringMatch: [{ prefix: 'https://shop.' }] },
    }),
    one('an origin by suffix in any case', get('/', from('https://a.SHOP.example')), {
      route: { allowOriginStringMatch: [{ suffix: '.shop.example', ignoreCase: true }] },
    }),
    one('an origin by expression', preflight('https://b12.example'), {
      route: { allowOriginStringMatch: [{ safeRegex: { regex: 'https://b[0-9]+\\.example' } }] },
    }),
    one(
      'what the application says itself is replaced',
      get('/', from('https://shop.example')),
      { route: full },
      {
        upstream: [
          [head, answer('ok', 'Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: x-a\r\nX-Mine: 1\r\n')],
        ],
      },
    ),
    one(
      'what the application says to another origin stays',
      get('/', from('https://other.example')),
      { route: full },
      {
        upstream: [[head, answer('ok', 'Access-Control-Allow-Origin: *\r\n')]],
      },
    ),
    one(
      'a page may see that there is no upstream',
      get('/', from('https://shop.example')),
      { route: full },
      {
        upstream: 'refuses',
      },
    ),
    one("the virtual host's policy", preflight('https://shop.example'), { host: full }),
    one("the configuration's policy", preflight('https://shop.example'), { config: full }),
    one('what the route leaves open its host says', preflight('https://shop.example'), {
      route: { allowMethods: 'DELETE', allowCredentials: false },
      host: full,
    }),
    one('origins of the route replace those of its host', get('/', from('https://shop.example')), {
      route: { allowOriginStringMatch: [{ exact: 'https://other.example' }] },
      host: full,
    }),
    one('a policy that is off does nothing', preflight('https://shop.example'), {
      route: { ...full, filterEnabled: percent(0) },
    }),
    one('a policy that is only watched does nothing', preflight('https://shop.example'), {
      route: { ...full, filterEnabled: percent(0), shadowEnabled: percent(100) },
    }),
    one('a policy that is only watched leaves answers alone', get('/', from('https://shop.example')), {
      route: { ...full, filterEnabled: percent(0), shadowEnabled: percent(100) },
    }),
    one('a policy that is on and watched', preflight('https://shop.example'), {
      route: { ...full, filterEnabled: percent(100), shadowEnabled: percent(100) },
    }),
    one('a route is off although its host is on', preflight('https://shop.example'), {
      route: { ...full, filterEnabled: percent(0) },
      host: full,
    }),
    one(
      'a network of its own may be asked for',
      preflight('https://shop.example', 'Access-Control-Request-Private-Network: true\r\n'),
      { route: { ...full, allowPrivateNetworkAccess: true } },
    ),
    one(
      'a network of its own may not be asked for',
      preflight('https://shop.example', 'Access-Control-Request-Private-Network: true\r\n'),
      { route: full },
    ),
    one('a network of its own is not asked for', preflight('https://shop.example'), {
      route: { ...full, allowPrivateNetworkAccess: true },
    }),
    one("header rules of the route do not touch the filter's answer", preflight('https://shop.example'), {
      route: full,
      more: { responseHeadersToAdd: [{ header: { key: 'x-rule', value: '1' } }] },
    }),
    one('header rules of the route touch other answers', get('/', from('https://shop.example')), {
      route: full,
      more: { responseHeadersToAdd: [{ header: { key: 'access-control-allow-origin', value: 'null' } }] },
    }),
    one('a redirect is for every page', get('/', from('https://shop.example')), {
      target: { redirect: { hostRedirect: 'other' } },
      host: full,
    }),
    one('a route that answers itself answers preflights too', preflight('https://shop.example'), {
      target: { directResponse: { status: 418 } },
      host: full,
    }),
    {
      name: 'a preflight of what has no route',
      client: [preflight('https://shop.example'), head],
      manager: filters,
      routes: {
        name: 'routes',
        virtualHosts: [
          {
            name: 'any',
            domains: ['*'],
            routes: [{ match: { path: '/x' }, route: { cluster: 'up' } }],
            ...corsPolicy(full),
          },
        ],
      },
    },
    one(
      'two origins are none of those that are allowed',
      get('/', `${from('https://shop.example')}${from('https://other.example')}`),
      {
        route: full,
      },
    ),
    one(
      'requests one behind the other are judged each for itself',
      get('/', from('https://shop.example')) +
        preflight('https://shop.example') +
        get('/', from('https://other.example')),
      { route: full },
      {
        client: [
          get('/', from('https://shop.example')),
          until('ok'),
          preflight('https://shop.example'),
          until('x-two'),
          get('/', from('https://other.example')),
          until('ok'),
        ],
      },
    ),
  ],
}
