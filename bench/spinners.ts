// One busy loop of the idle class per core: a virtual machine that goes to sleep between two events makes rates a lottery. They are
// preempted at once and their time is charged to nobody else.
import { type ChildProcess, spawn } from 'node:child_process'
import { coreOfOthers, coreUnderTest } from './arm.ts'

/** Keeps both cores awake until the returned function is called. Without the right to do so, nothing happens. */
export function spin(): () => void {
  const loops: ChildProcess[] = [coreUnderTest, coreOfOthers].map((core) =>
    spawn('chrt', ['-i', '0', 'taskset', '-c', String(core), 'sh', '-c', 'while :; do :; done'], { stdio: 'ignore' }),
  )
  for (const loop of loops) loop.on('error', () => {})
  const stop = (): void => loops.forEach((loop) => loop.kill('SIGKILL'))
  process.once('exit', stop)
  return () => {
    process.removeListener('exit', stop)
    stop()
  }
}
