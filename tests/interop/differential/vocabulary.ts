// The few words that rules and requests share: small enough that rules meet requests, awkward enough to show differences.

export const serviceNames = ['alpha', 'beta', 'gamma', 'delta'] as const

/** Host names that are no Service. */
export const foreignHosts = [
  'shop.example.com',
  'www.example.com',
  '*.example.com',
  '*.shop.example.com',
  'api.example.org',
  '*.org',
] as const

export const methods = ['GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'] as const

/** Headers that conditions look at. */
export const headerNames = ['x-user', 'x-flavor', 'x-trace', 'X-Mixed'] as const
export const headerValues = ['jason', 'jas', 'Jason', 'amy', '42', 'a,b', 'jason,amy', 'x y', 'jason;v=1', ''] as const
export const headerRegexes = [
  'jas.*',
  '[a-z]+',
  '\\d+',
  '(?i)jason',
  '.*',
  'a|amy|b',
  'j[aeiou]s(on)?',
  '[^,]*',
] as const

/** Headers that only operations write. */
export const writtenHeaders = ['x-added', 'x-set', 'x-user', 'x-trace'] as const
export const writtenValues = [
  'one',
  'two words',
  '%REQ(x-user)%',
  'flavor=%REQ(x-flavor)%',
  '100%%',
  '%PROTOCOL%',
  '%REQ(x-nothing?x-user)%',
  '%REQ(x-user):3%',
  '%REQ(:METHOD)% %REQ(:PATH)%',
  'to %REQ(:AUTHORITY)% by %ROUTE_NAME%',
] as const

export const paths = [
  '/',
  '/books',
  '/books/',
  '/books/1',
  '/books/1/pages/2',
  '/Books',
  '/bookshelf',
  '/api',
  '/api/v1/books',
  '/api/v2',
  '/static/a.css',
  '/admin',
  '/admin/users',
] as const
/** Paths that are changed, or must not be, before anybody looks at them. */
export const oddPaths = [
  '/api/../books',
  '/api/./v2',
  '/books//1',
  '//books',
  '/a/b/../../books/1',
  '/books/%31',
  '/b%6Foks',
  '/books%2F1',
  '/api%2f..%2fadmin',
  '/books/..;/admin',
  '/books\\1',
  '/api/%7euser',
  '/books/%e4',
  '/books/a%20b',
  "/books/~a!$&'()*+,;=:@",
  '/..',
  '/books/.',
  '/books/1;v=2',
  '/admin#top',
  '/books/"quoted"',
  '/books/{id}',
  '/books|1',
] as const
export const pathPrefixes = ['/', '/books', '/books/', '/api', '/api/v', '/admin', '/b', '/static/'] as const
export const pathRegexes = [
  '/books/[0-9]+',
  '/(api|books)/.*',
  '.*',
  '/b.*s',
  '/[a-z]+',
  '/books(/.*)?',
  '/api/v[12](/\\w+)*',
  '(?i)/books',
  '/(books|api)/(\\d+|v\\d)(/.*)?',
  '/[^/]+/[^/]+',
] as const
/** Pattern and substitution of a `uriRegexRewrite`. */
export const regexRewrites = [
  ['/books/(\\d+)', '/b/\\1'],
  ['^/([a-z]+)/(.*)$', '/\\2/\\1'],
  ['(/)([a-z])[a-z]*', '\\1\\2'],
  ['/([^/]+)/([^/]+)(.*)', '/\\2/\\1\\3\\0'],
  ['o', '0'],
  ['/', '/-/'],
  ['^/api', '/x'],
  ['s*$', '!'],
  ['(/?)$', '\\1end'],
] as const

/** The cookie that balancers look at. */
export const cookieName = 'cart'
export const cookies = [
  'cart=7',
  'a=1; cart=b',
  'cart="q"; z=2',
  'cart=',
  'cartoon=1',
  'cart=a=b',
  'z; cart= s',
] as const

/** Where clients ask from. */
export const sources = ['127.0.0.1', '127.0.0.2', '127.0.0.77', '127.1.2.3'] as const

export const queryNames = ['page', 'debug', 'q'] as const
export const queryValues = ['1', '12', '', 'true', 'a%20b', 'a b', 'x=y'] as const
export const queryRegexes = ['\\d+', 'tr.*', '.*', '[a-z%0-9]*'] as const

/** SPIFFE ids of callers. */
export const identities = [
  'spiffe://cluster.local/ns/default/sa/client',
  'spiffe://cluster.local/ns/default/sa/gateway',
  'spiffe://cluster.local/ns/other/sa/client',
  'spiffe://cluster.local/ns/default/sa/client2',
] as const

/** Values that stay as they are: what the Gateway API writes is no format. */
export const literalValues = ['one', 'two words', '100%', '%REQ(x-user)%'] as const

/** Services and methods of gRPC calls. */
export const grpcServices = ['shop.Greeter', 'shop.Orders', 'other.Greeter'] as const
export const grpcMethods = ['Hello', 'Bye'] as const

/** Headers that pages ask for before they send them. */
export const askedHeaders = ['x-user', 'X-User, x-trace', 'x-other', ''] as const

/** Pages that ask from a browser, and conditions on them. */
export const origins = ['https://shop.example', 'http://shop.example:8080', 'https://dev.shop.example', 'null'] as const
export const originConditions = [
  { exact: 'https://shop.example' },
  { prefix: 'https://dev.' },
  { regex: 'https?://[a-z.]+(:\\d+)?' },
  { exact: '*' },
] as const

/** What carries sessions that stay at one endpoint. */
export const sessionCarriers = [
  { type: 'Cookie', sessionName: 'kept' },
  { type: 'Header', sessionName: 'x-kept' },
] as const

/** Hosts of ServiceEntries. */
export const outsideHost = 'out.test'
export const outsideWildcard = '*.wild.test'
