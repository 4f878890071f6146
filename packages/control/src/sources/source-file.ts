// One configuration file as a source saw it.

/** The content of one file. `name` is relative to the directory the user gave and is what positions show. */
export interface SourceSnapshot {
  readonly name: string
  readonly text: string
  /** Why the text cannot be used, if so. */
  readonly unreadable?: string
}
