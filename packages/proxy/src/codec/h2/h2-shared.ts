import type { Runtime } from '@weft/core'
import { DeadlineLists } from '../../exchange/deadline-lists.ts'
import type { H2Shared } from './connection.ts'
import { BufferPool } from './output-buffer.ts'
import { TurnEnd } from './turn-end.ts'

/** What all HTTP/2 connections of one owner share; `deadlines` are its own unless given. */
export function createH2Shared(
  runtime: Pick<Runtime, 'clock' | 'timers'>,
  deadlines: DeadlineLists = new DeadlineLists(runtime.clock, runtime.timers),
): H2Shared {
  return { deadlines, clock: runtime.clock, turnEnd: new TurnEnd(runtime), buffers: new BufferPool() }
}
