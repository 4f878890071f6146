// Text formats as regular expressions with sentences.

/** Why a text does not fit a format. */
export interface FormatFault {
  readonly code: string
  readonly message: string
  readonly mend: string
}

/** Says why a text does not fit; undefined: it fits. */
export type Format = (text: string) => FormatFault | undefined

const patterns = new WeakMap<Format, string>()

/** A format by regular expression. `what` completes "is not ...". */
export function shaped(pattern: RegExp, maxLength: number, what: string, mend: string): Format {
  const format: Format = (text) =>
    (text.length <= maxLength || Array.from(text).length <= maxLength) && pattern.test(text)
      ? undefined
      : { code: 'bad-format', message: `${shown(text)} is not ${what}`, mend }
  // Flags cannot be said in JSON Schema.
  if (pattern.flags === '') patterns.set(format, pattern.source)
  return format
}

/** The regular expression of a format, if it is one. */
export function patternOf(format: Format): string | undefined {
  return patterns.get(format)
}

/** A value as shown in a message: quoted and shortened. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
