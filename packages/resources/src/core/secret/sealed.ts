// A secret value that can be handed on and not be printed.

/** Holds a text; printing, logging and serialising show nothing of it. */
export class Sealed {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  /** The text, for whoever uses it. */
  reveal(): string {
    return this.#text
  }

  toString(): string {
    return '***'
  }

  toJSON(): string {
    return '***'
  }
}
