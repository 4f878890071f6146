// An entry of the list of fields that are read.

/** A message, its lean name where the default would collide, and its fields. */
export interface LeanMessage {
  readonly message: string
  /** The TypeScript name; by default the .proto name with '_' between nested names. */
  readonly as?: string
  /** Also generate a writer. */
  readonly write?: true
  /** Field names of the .proto file, separated by white space. */
  readonly fields: string
}

/** Messages of one package by their names in it, with their fields. */
export function group(prefix: string, messages: Record<string, string | Omit<LeanMessage, 'message'>>): LeanMessage[] {
  return Object.entries(messages).map(([name, entry]) =>
    typeof entry === 'string'
      ? { message: `${prefix}.${name}`, fields: entry }
      : { ...entry, message: `${prefix}.${name}` },
  )
}
