/** Exit code of a program that a broken pipe ended, as shells show it: 128 and SIGPIPE. */
const brokenPipe = 141

/**
 * Has the process end without a word when whoever read its output has gone (`weft translate ... | head`). What runs for long is
 * asked to end as it does by Ctrl-C, since there is more to end than itself. Other faults of the output are thrown.
 */
export function endWhenNobodyReads(runsForLong: boolean): void {
  let asked = false
  const onError = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE') throw error
    if (!runsForLong) process.exit(brokenPipe)
    if (!asked) process.kill(process.pid, 'SIGTERM')
    asked = true
  }
  process.stdout.on('error', onError)
  process.stderr.on('error', onError)
}
