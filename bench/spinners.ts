// One busy loop of the idle class per core: a virtual machine that goes to sleep between two events makes rates a lottery. They are
// preempted at once and their time is charged to nobody else.
import { type ChildProcess, spawn } from 'node:child_process'
import { coreOfOthers, coreUnderTest } from './arm.ts'
import { makeIdle } from './idle-group.ts'

/** Keeps cores awake until the returned function is called. Without the right to do so, nothing happens. */
export function spin(cores: readonly number[] = [coreUnderTest, coreOfOthers]): () => void {
  const loops: ChildProcess[] = cores.map((core) =>
    spawn('chrt', ['-i', '0', 'taskset', '-c', String(core), 'sh', '-c', 'while :; do :; done'], { stdio: 'ignore' }),
  )
  for (const loop of loops) {
    loop.on('error', () => {})
    makeIdle(loop.pid)
  }
  const stop = (): void => loops.forEach((loop) => loop.kill('SIGKILL'))
  process.once('exit', stop)
  return () => {
    process.removeListener('exit', stop)
    stop()
  }
}
