// What an end of HTTP/2 does, as data. Streams are numbered as on the wire.

/** A header list, in order. */
export type FieldList = readonly (readonly [name: string, value: string])[]

/** One frame, or several that belong together. */
export type FrameStep =
  | { readonly headers: FieldList; readonly stream?: number; readonly ends?: boolean; readonly split?: number }
  | { readonly data: string; readonly stream?: number; readonly ends?: boolean; readonly padding?: number }
  | { readonly rst: number; readonly stream?: number }
  | { readonly goaway: number; readonly last: number }
  | { readonly ping: string }
  | { readonly window: number; readonly stream?: number }
  | { readonly settings: readonly (readonly [id: number, value: number])[] }
  /** Any frame: bytes are latin1. */
  | {
      readonly frame: {
        readonly type: number
        readonly flags?: number
        readonly stream?: number
        readonly payload?: string
      }
    }
  /** Goes on once the stream has: its head, its end, a reset; or the connection a GOAWAY. */
  | { readonly untilStream: number; readonly has: 'head' | 'end' | 'reset' }
  | { readonly untilGoaway: true }
