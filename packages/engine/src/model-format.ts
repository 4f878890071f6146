// Envoy's command operators (`%REQ(x-user)%`) in header values and access-log formats, compiled.

/** A text with command operators: literal strings and operators in turn. */
export type FormatTemplate = readonly FormatPart[]

/** A literal, or an operator such as `%REQ(X?Y):10%`. */
export type FormatPart = string | FormatOperator

/** One operator: `REQ`, its argument `X?Y` and the maximum length, if any. */
export interface FormatOperator {
  readonly operator: string
  readonly argument: string | undefined
  readonly maxLength: number | undefined
}
