const registered = new Set(
  (
    'ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MOVE M-SEARCH NOTIFY OPTIONS PATCH ' +
    'POST PROPFIND PROPPATCH PURGE PUT REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE'
  ).split(' '),
)

/** Methods that HTTP/1.1 requests may have while `allow_custom_methods` is off, as it is by default. */
export function isRegisteredMethod(method: string): boolean {
  return method === 'GET' || method === 'POST' || registered.has(method)
}
