// `weft up DIR`: start everything a directory describes, and keep it running.
import { existsSync, statSync } from 'node:fs'
import { dirname, delimiter } from 'node:path'
import { type Command, Option } from 'commander'
import {
  CONTROL_PORTS,
  type LogPrinter,
  logPrinter,
  type NameServer,
  type ProxyKind,
  type RunningMesh,
  type Sabotage,
  startMesh,
  type UpSettings,
} from '@weft/local'
import { hasProxy } from '@weft/resources'
import { checkTableFoot, checkTableHead, checkTableRow } from '../check/check-table.ts'
import { type CheckResult, loadCheckTable, runChecks } from '../check/run-checks.ts'
import { parseDurationMs, parseNameServer, parsePort, parseTrustDomain } from '../parse-options.ts'
import { EXIT } from '../program.ts'

interface UpOptions {
  readonly proxy: ProxyKind
  readonly check?: true
  readonly output?: 'json'
  readonly svidTtl?: number
  readonly rotateEvery?: number
  readonly xdsPort: number
  readonly apiPort: number
  readonly metricsPort: number
  readonly trustDomain: string
  readonly dnsServer?: readonly NameServer[]
  readonly accessLog?: true
  readonly verbose?: true
  readonly sabotage?: Sabotage
}

/** A second signal that comes sooner is taken for an echo of the first. */
const SECOND_SIGNAL_MS = 1_000

const EXAMPLES = `
Examples:
  weft up examples/bookstore                   until Ctrl-C
  weft up examples/bookstore --check           start, prove that it works, stop; exit code 0 or 1
  weft up examples/bookstore --proxy envoy     the same with real Envoy as sidecars and gateway
  weft up . --svid-ttl 60s --rotate-every 5s   short-lived certificates, renewed all the time

DIR holds the mesh's YAML in DIR/mesh (or DIR itself); state is kept in DIR/.weft.
Exit code 0: ended by Ctrl-C, or all checks passed; 1: it could not start, or a check failed; 130: Ctrl-C before the checks were done.`

/** Adds `weft up`. */
export function registerUp(program: Command): void {
  program
    .command('up')
    .description('start everything a directory describes: control plane, proxies, workloads')
    .argument('<dir>', 'directory with the mesh and its workloads')
    .addOption(new Option('--proxy <kind>', 'whose proxies to run').choices(['weft', 'envoy']).default('weft'))
    .option('--check', 'run the checks of DIR/check.ts, print a table, stop')
    .addOption(new Option('-o, --output <format>', 'format of the --check table').choices(['json']))
    .option('--svid-ttl <duration>', 'life of certificates (default 24h)', parseDurationMs)
    .option('--rotate-every <duration>', 'renew all certificates this often', parseDurationMs)
    .option('--xds-port <port>', 'port of xDS and the CA, 0 for any', parsePort, CONTROL_PORTS.xds)
    .option('--api-port <port>', "port of the control plane's API, 0 for any", parsePort, CONTROL_PORTS.api)
    .option('--metrics-port <port>', "port of the control plane's metrics, 0 for any", parsePort, CONTROL_PORTS.metrics)
    .option('--trust-domain <name>', 'SPIFFE trust domain', parseTrustDomain, 'cluster.local')
    .option(
      '--dns-server <address...>',
      'ask these name servers, as ADDRESS or ADDRESS:PORT, for hosts that requests name (ServiceEntry with DYNAMIC_DNS)',
      parseNameServer,
    )
    .option('--access-log', 'print an access log line per request')
    .option('-v, --verbose', "print Weft's own info logs too")
    .addOption(new Option('--sabotage <kind>').choices(['mtls-off', 'route-removed', 'wrong-san']).hideHelp())
    .addHelpText('after', EXAMPLES)
    .action(async (dir: string, options: UpOptions) => {
      process.exitCode = await up(dir, options)
    })
}

async function up(dir: string, options: UpOptions): Promise<number> {
  // With -o json, stdout is for the result alone.
  const stream = options.output === 'json' ? process.stderr : process.stdout
  const printer = logPrinter({
    write: (text) => void stream.write(text),
    colours: stream.isTTY && process.env['NO_COLOR'] === undefined,
    verbose: options.verbose === true,
  })
  if (!existsSync(dir) || !statSync(dir).isDirectory()) {
    printer.problem(
      `${dir} is not a directory. Give the one that holds the mesh, for example: weft up examples/bookstore`,
    )
    return EXIT.usage
  }
  const interrupted = new AbortController()
  let firstSignalMs = 0
  const onSignal = (): void => {
    if (!interrupted.signal.aborted) {
      firstSignalMs = performance.now()
      printer.say('stopping')
      interrupted.abort()
      return
    }
    // The second time the user means it: the watchdog ends what is left. Not at once, since under npm one Ctrl-C arrives
    // twice: from the terminal and from the parent.
    if (performance.now() - firstSignalMs > SECOND_SIGNAL_MS) process.exit(EXIT.interrupted)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  const begin = performance.now()
  const started = await startMesh(settingsOf(dir, options), printer, interrupted.signal)
  if (!started.ok) {
    // A mesh that nobody wants any more is none that failed; checks that did not run did not pass.
    if (interrupted.signal.aborted) return options.check === true ? EXIT.interrupted : EXIT.ok
    printer.problem(started.error)
    return EXIT.failed
  }
  const mesh = started.value
  printer.say(summary(mesh, options, performance.now() - begin))
  const { signal } = interrupted
  const code = options.check === true ? await check(mesh, options, printer, signal) : await untilAborted(signal)
  await mesh.stop()
  return code
}

async function check(mesh: RunningMesh, options: UpOptions, printer: LogPrinter, signal: AbortSignal): Promise<number> {
  const table = await loadCheckTable(mesh.paths.root)
  if (table === undefined) {
    printer.problem(`${mesh.paths.root} has no check.ts: nothing to check`)
    return EXIT.failed
  }
  printer.say(checkTableHead())
  const onResult = (result: CheckResult): void => printer.say(checkTableRow(result))
  const results = await runChecks(table, mesh, { proxyKind: options.proxy, onResult, signal })
  if (signal.aborted) return EXIT.interrupted
  printer.say(checkTableFoot(results))
  if (options.output === 'json') process.stdout.write(`${JSON.stringify({ checks: results }, null, 2)}\n`)
  return results.length > 0 && results.every(({ ok }) => ok) ? EXIT.ok : EXIT.failed
}

function untilAborted(signal: AbortSignal): Promise<number> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(EXIT.ok)
    signal.addEventListener('abort', () => resolve(EXIT.ok), { once: true })
  })
}

function settingsOf(dir: string, options: UpOptions): UpSettings {
  return {
    dir,
    proxyKind: options.proxy,
    trustDomain: options.trustDomain,
    svidTtlMs: options.svidTtl,
    rotateEveryMs: options.rotateEvery,
    ports: { xds: options.xdsPort, api: options.apiPort, metrics: options.metricsPort },
    accessLog: options.accessLog === true,
    dnsServers: options.dnsServer,
    verbose: options.verbose === true,
    sabotage: options.sabotage,
    env: inheritedEnvironment(),
  }
}

// A proxy of the user's own network must not stand between workloads and their sidecars, and `node` in a command means
// the Node that runs Weft.
function inheritedEnvironment(): Record<string, string> {
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !/^(https?_proxy|all_proxy|no_proxy)$/i.test(name)) env[name] = value
  }
  env['PATH'] = [dirname(process.execPath), env['PATH'] ?? ''].filter((part) => part !== '').join(delimiter)
  return env
}

function summary(mesh: RunningMesh, options: UpOptions, elapsedMs: number): string {
  const instances = mesh.instances()
  const width = Math.max(...instances.map(({ name }) => name.length))
  const rows = instances.map(({ name, proxy, address, appAddress, ports }) => {
    const at = proxy === 'gateway' ? address : `${address} -> application on ${appAddress}`
    const listed = ports.map(({ name: port, port: number }) => `${port} ${number}`).join(', ')
    return `  ${name.padEnd(width)}  ${hasProxy({ proxy }) ? options.proxy : proxy === 'grpc' ? 'gRPC asks itself' : 'no proxy'}  ${at}${listed === '' ? '' : `  (${listed})`}`
  })
  return [
    '',
    `${instances.length} workloads are ready after ${(elapsedMs / 1000).toFixed(1)} s.`,
    ...rows,
    '',
    ...mesh.urls.map((url) => `  Open  ${url}`),
    '',
    '  Look inside:  npx weft status',
    '                npx weft config <workload> listeners|routes|clusters|endpoints|secrets',
    '                npx weft explain --from web GET http://catalog/books',
    `  Change it:    edit ${mesh.paths.config}/*.yaml, it applies at once`,
    '  Isolation:    none (without root another local process can use any sidecar)',
    '  Stop it:      Ctrl-C',
    '',
  ].join('\n')
}
