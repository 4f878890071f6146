// What a text may ask of the parsers.

/** Texts longer than this are refused. */
export const maxFileBytes = 4 * 1024 * 1024

/** How deep values may be nested. */
export const maxDepth = 64
