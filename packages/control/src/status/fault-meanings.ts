// What conditions of the Gateway API mean for traffic, and what to do about them.

const byType: Readonly<Record<string, string>> = {
  Programmed: 'is not served',
  PartiallyInvalid: 'holds in part',
  OverlappingTLSConfig: 'shares names with another listener',
}

const routes = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute']

/** What it means for an object of a kind that a condition of this type says something is wrong. */
export function meaningOf(type: string, kind: string): string {
  const isRoute = routes.includes(kind)
  if (type === 'Accepted') return isRoute ? 'nothing comes to the route from there' : 'is not in force'
  if (type !== 'ResolvedRefs') return byType[type] ?? `has a bad condition ${type}`
  if (!isRoute) return 'refers to what cannot be used'
  return `what is sent there ${kind === 'HTTPRoute' || kind === 'GRPCRoute' ? 'is answered with 500' : 'is dropped'}`
}

const byReason: Readonly<Record<string, string>> = {
  NoMatchingParent: 'Correct the name, `sectionName` or `port`.',
  NotAllowedByListeners: 'Allow it in `allowedRoutes` of the listener, or name another listener.',
  NoMatchingListenerHostname: 'Give the route a hostname of the listener, or the listener one of the route.',
  Conflicted: 'Merge the two, or let them differ in hostname or port.',
  HostnameConflict: 'Give one of the two another hostname or port.',
  ProtocolConflict: 'Give one of the two another port.',
  NotAllowed: 'Allow its namespace in `spec.allowedListeners` of the Gateway.',
  UnsupportedProtocol: 'Write HTTP, HTTPS, TLS, TCP or UDP.',
  UnsupportedValue: 'Take the filter away.',
  InvalidRouteKinds: 'Remove the kinds that the protocol does not carry.',
  BackendNotFound: 'Add it, or correct the reference.',
  RefNotPermitted: 'Add a ReferenceGrant there, or refer to an object of the own namespace.',
  InvalidKind: 'Refer to an object of a kind that can be used there.',
  InvalidCertificateRef: 'Add a Secret of type kubernetes.io/tls, or correct the reference.',
  InvalidClientCertificateRef: 'Add a Secret of type kubernetes.io/tls, or correct the reference.',
  InvalidCACertificateRef: 'Add it with the authorities in `ca.crt`, or correct the reference.',
  NoValidCACertificate: 'Name a ConfigMap or Secret with the authorities in `ca.crt`.',
  AddressNotUsable: 'Remove the address, or write a loopback address.',
  InvalidParameters: 'Correct `parametersRef`, or remove it.',
  OverlappingHostnames: 'Let the listeners share a certificate for all of the names, or no names.',
}

/** How to mend what a condition gives as its reason. */
export function mendOf(reason: string): string {
  return byReason[reason] ?? 'Mend what it says.'
}
