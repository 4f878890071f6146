// The real world: sockets, disk, clock. Only `main.ts` files import it.
import type { LogFields, Runtime } from '../runtime.ts'
import type { Net } from '../transport.ts'
import { systemClock, systemRng, systemTimers } from './clock.ts'
import { jsonLogger, type LogLevel } from './json-logger.ts'
import { nodeFiles } from './node-files.ts'
import { nodeNet } from './node-net.ts'

export { type ChosenNet, chooseNet } from './choose-net.ts'
export { type LogLevel, logLevels } from './json-logger.ts'

/** The runtime of this machine, on `net.Socket` unless another network is given; logs are JSON lines on stderr. */
export function nodeRuntime(
  options: { readonly logLevel?: LogLevel; readonly logFields?: LogFields; readonly net?: Net } = {},
): Runtime {
  const write = (line: string): void => {
    process.stderr.write(line)
  }
  return {
    clock: systemClock,
    timers: systemTimers,
    rng: systemRng,
    log: jsonLogger({ level: options.logLevel ?? 'info', wallMs: systemClock.wallMs, write }, options.logFields),
    files: nodeFiles,
    net: options.net ?? nodeNet,
  }
}
