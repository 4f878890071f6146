import { once as nextEvent, type EventEmitter } from 'node:events'
import { within } from './within.ts'

/** The next event of a socket, server or process, as `once` of node:events, which waits for ever; this one fails after a minute with the event's name. */
export function once(emitter: EventEmitter, event: string): Promise<unknown[]> {
  return within(`'${event}' of a ${emitter.constructor.name}`, nextEvent(emitter, event))
}
