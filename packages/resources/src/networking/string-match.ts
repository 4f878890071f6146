// networking.istio.io StringMatch, shared by the kinds of the group.

/** Exactly one of the members is set. `regex` is RE2 and must match the whole value. */
export interface StringMatch {
  readonly exact?: string
  readonly prefix?: string
  readonly regex?: string
}
