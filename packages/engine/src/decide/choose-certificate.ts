/**
 * Which of several certificates answers a client that asked for `serverName`: the first that carries it, then the first whose
 * wildcard (one label) covers it, then the first of all, as in Envoy. `names` are the DNS names of each certificate.
 */
export function chooseCertificate(names: readonly (readonly string[])[], serverName: string): number {
  const exact = names.findIndex((list) => list.some((name) => name.toLowerCase() === serverName))
  if (exact >= 0) return exact
  const dot = serverName.indexOf('.')
  const wildcard = dot > 0 ? `*${serverName.slice(dot)}` : undefined
  const covered = names.findIndex((list) => list.some((name) => name.toLowerCase() === wildcard))
  return Math.max(0, covered)
}
