// `weft restart-proxy WORKLOAD`: a new generation of a proxy takes over from the one that serves; nothing is lost.
import { type Command, Option } from 'commander'
import { parseDurationMs } from '../parse-options.ts'
import { printTable } from '../print-table.ts'
import { EXIT } from '../program.ts'
import { type MeshOptions, type ProxyRestart, runningMesh, withMeshOptions } from '../running-mesh.ts'

interface RestartOptions extends MeshOptions {
  readonly drainTime?: number
}

/** Adds `weft restart-proxy`. */
export function registerRestartProxy(program: Command): void {
  withMeshOptions(
    program
      .command('restart-proxy')
      .description('replace a running proxy by a new generation, without losing a connection or a request')
      .argument('<workload>', 'a workload (web, bookstore/web) or one instance (web-0)'),
  )
    .option('--drain-time <duration>', 'what connections of the old generation may take (default 60s)', parseDurationMs)
    .addOption(new Option('-o, --output <format>', 'print the result as JSON').choices(['json']))
    .addHelpText(
      'after',
      `
The new generation starts beside the old one, takes over its listening sockets, identity and configuration, and is ready before
the old one stops accepting. That one answers what is in flight, tells kept connections to close with their next answer, and ends
when the last is over, at the end of the drain time at the latest. Several instances are replaced one after the other.

Examples:
  weft restart-proxy web
  weft restart-proxy gateway --drain-time 5m -o json

Exit code 0: every proxy was replaced; 1: one was not (the old one serves on), none has that name, or no mesh answers.`,
    )
    .action(restartProxy)
}

async function restartProxy(workload: string, options: RestartOptions): Promise<void> {
  const restarted = await runningMesh(options).restartProxy(workload, options.drainTime)
  if (!restarted.ok) return fail(`${restarted.error}\nIs it running? weft up DIR starts it.`)
  if (restarted.value.length === 0) return fail(`no proxy of a workload or instance ${workload}; see weft status`)
  if (options.output === 'json') process.stdout.write(`${JSON.stringify({ proxies: restarted.value }, null, 2)}\n`)
  else printTable(['PROXY', 'RESULT', 'GENERATION', 'OLD PIDS', 'NEW PIDS'], restarted.value.map(row), process.stdout)
  if (restarted.value.some(({ outcome }) => !outcome.ok)) process.exitCode = EXIT.failed
}

function row({ instance, namespace, outcome }: ProxyRestart): string[] {
  const proxy = `${instance}.${namespace}`
  if (!outcome.ok) return [proxy, `not replaced: ${outcome.error}`, '-', '-', '-']
  const { epoch, previousPids, pids } = outcome.value
  return [proxy, 'replaced', String(epoch), previousPids.join(' '), pids.join(' ')]
}

function fail(reason: string): void {
  process.stderr.write(`${reason}\n`)
  process.exitCode = EXIT.failed
}
