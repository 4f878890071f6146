import { Buffer } from 'node:buffer'

const quanta = /^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)*$/

/** Decodes a stream of base64 that may be padded anywhere between groups of four, as senders pad each message. */
export class Base64Reader {
  #rest = ''

  /** False when it stands inside a group of four. */
  get whole(): boolean {
    return this.#rest === ''
  }

  /** The bytes of the groups that are complete now; undefined: this is not base64. */
  read(text: string): Buffer | undefined {
    const all = this.#rest + text
    const usable = all.length - (all.length % 4)
    this.#rest = all.slice(usable)
    const groups = all.slice(0, usable)
    if (!quanta.test(groups)) return undefined
    const padded = groups.indexOf('=')
    if (padded < 0 || padded >= usable - 2) return Buffer.from(groups, 'base64')
    return Buffer.concat(groups.split(/(?<==)(?!=)/).map((piece) => Buffer.from(piece, 'base64')))
  }
}
