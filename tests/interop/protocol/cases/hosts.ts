import { anyHost } from '../../../wire/proxy-under-test.ts'
import { type Family, get, type ProtocolCase } from '../protocol-case.ts'

const hosted = (name: string, host: string, more: Partial<ProtocolCase> = {}): ProtocolCase => ({
  name,
  client: [`GET /a HTTP/1.1\r\n${host}\r\n`],
  ...more,
})
const target = (
  name: string,
  form: string,
  host = 'Host: shop\r\n',
  more: Partial<ProtocolCase> = {},
): ProtocolCase => ({
  name,
  client: [`GET ${form} HTTP/1.1\r\n${host}\r\n`],
  ...more,
})
const virtualHost = (
  domain: string,
  status: number,
): {
  name: string
  domains: string[]
  routes: { match: { prefix: string }; directResponse: { status: number } }[]
} => ({
  name: domain,
  domains: [domain],
  routes: [{ match: { prefix: '/' }, directResponse: { status } }],
})
const manyHosts = {
  name: 'routes',
  virtualHosts: [
    virtualHost('exact.example', 201),
    virtualHost('*.example', 202),
    virtualHost('exact.*', 203),
    virtualHost('port.example:81', 205),
  ],
}

/** Whom a request is for. */
export const hosts: Family = {
  name: 'hosts and targets',
  cases: [
    hosted('no Host', ''),
    hosted('an empty Host', 'Host:\r\n'),
    hosted('a Host with a port', 'Host: shop:81\r\n'),
    hosted('a Host with an empty port', 'Host: shop:\r\n'),
    hosted('a Host with a port of letters', 'Host: shop:x\r\n'),
    hosted('a Host with capitals', 'Host: SHOP\r\n'),
    hosted('an address as Host', 'Host: 127.0.0.1:80\r\n'),
    hosted('an IPv6 address as Host', 'Host: [::1]:80\r\n'),
    hosted('a user in the Host', 'Host: user@shop\r\n'),
    hosted('a slash in the Host', 'Host: shop/x\r\n'),
    hosted('a space in the Host', 'Host: shop evil\r\n'),
    hosted('a comma in the Host', 'Host: shop,evil\r\n'),
    hosted('two Hosts', 'Host: shop\r\nHost: evil\r\n'),
    target('an absolute target wins over Host', 'http://other/a'),
    target('an absolute target of https', 'https://other/a'),
    target('an absolute target without a path', 'http://other'),
    target('an absolute target with only a query', 'http://other?x=1'),
    target('an absolute target with a port', 'http://other:8080/a'),
    target('an absolute target in capitals', 'HTTP://OTHER/A'),
    target('an absolute target with a user', 'http://user@other/a'),
    target('an absolute target without a host', 'http:///a'),
    target('an absolute target of another scheme', 'ftp://other/a'),
    target('an absolute target without Host', 'http://other/a', ''),
    target('an absolute target where they are not allowed', 'http://other/a', 'Host: shop\r\n', {
      manager: { httpProtocolOptions: { allowAbsoluteUrl: false } },
    }),
    target('a target that is a word', 'word'),
    target('a target of two slashes', '//other/a'),
    target('an asterisk with GET', '*'),
    target('an exact virtual host', '/', 'Host: exact.example\r\n', { routes: manyHosts }),
    target('an exact virtual host in capitals', '/', 'Host: EXACT.Example\r\n', { routes: manyHosts }),
    target('a virtual host by its end', '/', 'Host: a.b.example\r\n', { routes: manyHosts }),
    target('a virtual host by its beginning', '/', 'Host: exact.other\r\n', { routes: manyHosts }),
    target('a virtual host with a port asked without', '/', 'Host: port.example\r\n', { routes: manyHosts }),
    target('a virtual host with a port', '/', 'Host: port.example:81\r\n', { routes: manyHosts }),
    target('a virtual host asked with a port it has not', '/', 'Host: exact.example:82\r\n', { routes: manyHosts }),
    target('no virtual host', '/', 'Host: nobody\r\n', { routes: manyHosts }),
    target('the port of Host is stripped', '/', 'Host: exact.example:82\r\n', {
      routes: manyHosts,
      manager: { stripAnyHostPort: true },
    }),
    target('the dot behind a Host is stripped', '/', 'Host: exact.example.\r\n', {
      routes: manyHosts,
      manager: { stripTrailingHostDot: true },
    }),
    { name: 'a Host is rewritten on the way', client: [get()], route: { hostRewriteLiteral: 'inner' } },
    { name: 'no route', client: [get('/b')], routes: anyHost([{ match: { path: '/a' }, route: { cluster: 'up' } }]) },
    {
      name: 'a cluster nobody knows',
      client: [get()],
      routes: {
        ...anyHost([
          { match: { prefix: '/' }, route: { cluster: 'unknown', clusterNotFoundResponseCode: 'NOT_FOUND' } },
        ]),
        validateClusters: false,
      },
    },
  ],
}
