import type { ConnectionFacts, RequestHead, Subject } from '@weft/engine'

/** A TCP connection has no request: predicates that ask for one see nothing. */
const noRequest: RequestHead = {
  method: () => '',
  path: () => '',
  query: () => undefined,
  authority: () => '',
  scheme: () => '',
  header: () => undefined,
  headerLine: () => undefined,
}

/** What a decision may look at on a connection that carries no request. */
export function connectionSubject(facts: ConnectionFacts, random: number): Subject {
  return { head: noRequest, connection: facts, random }
}
