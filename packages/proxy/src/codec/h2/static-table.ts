// The fields both sides know from the start (RFC 7541 appendix A).
import { type FieldName, nameOfText } from './field-name.ts'

const lines = `:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`.split('\n')

/** How many entries there are: indexes 1 to 61; those of the dynamic table begin behind. */
export const staticCount: number = lines.length

/** Name by index; that of index 0 is never looked at. */
export const staticNames: readonly FieldName[] = [':authority', ...lines].map((line) =>
  nameOfText(line.split(' ')[0] as string),
)

/** Value by index. */
export const staticValues: readonly string[] = ['', ...lines].map((line) => line.split(' ').slice(1).join(' '))
