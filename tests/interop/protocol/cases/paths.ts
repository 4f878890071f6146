import type { JsonObject } from '@bufbuild/protobuf'
import { type Family, get, type ProtocolCase } from '../protocol-case.ts'

const normalized: JsonObject = { normalizePath: true }
const merged: JsonObject = { normalizePath: true, mergeSlashes: true }
const path = (name: string, target: string, manager: JsonObject): ProtocolCase => ({
  name,
  client: [get(target)],
  manager,
})
const slashes = (action: string): JsonObject => ({ ...normalized, pathWithEscapedSlashesAction: action })

/** Normalisation of paths, in each of its modes. */
export const paths: Family = {
  name: 'paths',
  cases: [
    path('nothing is normalised by default', '/a/../b//c/./%7E', {}),
    path('dot segments go', '/a/./b/../c', normalized),
    path('dot segments at the end go', '/a/b/..', normalized),
    path('dots beyond the root', '/../../a', normalized),
    path('encoded dots count as dots', '/a/%2e%2E/b', normalized),
    path('half-encoded dots count as dots', '/a/.%2e/b', normalized),
    path('dots with a backslash', '/a\\..\\b', normalized),
    path('a backslash becomes a slash', '/a\\b', normalized),
    path('an encoded backslash', '/a%5cb', normalized),
    path('unreserved characters are decoded or not', '/%61%7e%41', normalized),
    path('percent signs alone', '/a%', normalized),
    path('a percent sign with one digit', '/a%2', normalized),
    path('a percent sign with other letters', '/a%zz', normalized),
    path('encoded NUL', '/a%00b', normalized),
    path('two slashes stay', '/a//b', normalized),
    path('two slashes are merged', '/a//b///c', merged),
    path('merged slashes and dots', '/a//..//b', merged),
    path('the query is left alone', '/a/../b?x=/../y//z', merged),
    path('a query right behind the dots', '/a/..?x', normalized),
    path('a path of dots only', '/..', normalized),
    path('three dots are a name', '/a/.../b', normalized),
    path('dots with a parameter are a name', '/a/..;x/b', normalized),
    path('an encoded slash stays', '/a%2Fb', slashes('KEEP_UNCHANGED')),
    path('an encoded slash is refused', '/a%2Fb', slashes('REJECT_REQUEST')),
    path('an encoded backslash is refused too', '/a%5Cb', slashes('REJECT_REQUEST')),
    path('an encoded slash in the query is not refused', '/a?b%2Fc', slashes('REJECT_REQUEST')),
    path('an encoded slash is decoded and the client redirected', '/a%2Fb?c', slashes('UNESCAPE_AND_REDIRECT')),
    path('an encoded slash is decoded and forwarded', '/a%2Fb', slashes('UNESCAPE_AND_FORWARD')),
    path('decoded slashes are normalised with the rest', '/a%2F..%2fb', slashes('UNESCAPE_AND_FORWARD')),
    path('an encoded backslash is decoded and forwarded', '/a%5Cb', slashes('UNESCAPE_AND_FORWARD')),
    path('spaces that are encoded stay', '/a%20b', normalized),
    path('letters of an encoding in lower case', '/a%c3%a4', normalized),
    path('a path with an absolute target', 'http://shop/a/../b', normalized),
    {
      name: 'the prefix is rewritten',
      client: [get('/a/b?c')],
      routes: {
        name: 'routes',
        virtualHosts: [
          {
            name: 'any',
            domains: ['*'],
            routes: [{ match: { prefix: '/a' }, route: { cluster: 'up', prefixRewrite: '/z' } }],
          },
        ],
      },
    },
    {
      name: 'a path is matched without its query',
      client: [get('/a?b')],
      routes: {
        name: 'routes',
        virtualHosts: [{ name: 'any', domains: ['*'], routes: [{ match: { path: '/a' }, route: { cluster: 'up' } }] }],
      },
    },
  ],
}
