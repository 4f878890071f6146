// The control plane process. Follow a YAML file from here to a proxy: file source -> store -> snapshot -> generators ->
// tables -> distributor -> stream (`start-control.ts` puts them together).
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type LogLevel, logLevels, nodeRuntime } from '@weft/core/node'
import { type ControlSettings, startControl } from './start-control.ts'

const usage = `Usage: control --config DIR --state DIR/.weft [options]

  --files-in mesh|.       where below --config the files lie; a start on a directory that is gone goes on with what was in force
                          (found out, and such a start fails, unless given)
  --host 127.0.0.1        where to listen
  --xds-port 15012        ADS and CA, gRPC with mutual TLS (0: any free port)
  --api-port 15080        admin API (0: any free port)
  --metrics-port 15014    Prometheus metrics (0: any free port)
  --trust-domain cluster.local
  --svid-ttl-ms 86400000  life of workload certificates
  --access-log on|off     access log of the proxies
  --proxy weft|envoy      whose proxies are the data plane: what they do not enforce is refused
  --log-level info`

const options = {
  config: { type: 'string' },
  'files-in': { type: 'string' },
  state: { type: 'string' },
  host: { type: 'string', default: '127.0.0.1' },
  'xds-port': { type: 'string', default: '15012' },
  'api-port': { type: 'string', default: '15080' },
  'metrics-port': { type: 'string', default: '15014' },
  'trust-domain': { type: 'string', default: 'cluster.local' },
  'svid-ttl-ms': { type: 'string', default: '86400000' },
  'access-log': { type: 'string', default: 'on' },
  'log-level': { type: 'string', default: 'info' },
  proxy: { type: 'string', default: 'weft' },
  help: { type: 'boolean', default: false },
} as const

/** Ends with a line that says what is wrong. */
function fail(message: string, code: number): never {
  process.stderr.write(`${message}\n`)
  process.exit(code)
}

function readSettings(): { settings: ControlSettings; logLevel: LogLevel } {
  let values
  try {
    values = parseArgs({ options }).values
  } catch (error) {
    fail(`${(error as Error).message}\n\n${usage}`, 2)
  }
  if (values.help) {
    process.stdout.write(`${usage}\n`)
    process.exit(0)
  }
  const { config, state, host } = values
  if (config === undefined || state === undefined) fail(usage, 2)
  const number = (name: 'xds-port' | 'api-port' | 'metrics-port' | 'svid-ttl-ms', max: number): number => {
    const value = Number(values[name])
    if (!Number.isInteger(value) || value < 0 || value > max) fail(`--${name} ${values[name]}: 0 to ${max}`, 2)
    return value
  }
  if (!/^(127(\.\d{1,3}){3}|localhost|::1)$/.test(host)) fail(`--host ${host}: only loopback addresses for now`, 2)
  const { proxy, 'files-in': filesIn } = values
  if (filesIn !== undefined && filesIn !== 'mesh' && filesIn !== '.') fail(`--files-in ${filesIn}: mesh or .`, 2)
  if (proxy !== 'weft' && proxy !== 'envoy') fail(`--proxy ${proxy}: weft or envoy`, 2)
  if (!['on', 'off'].includes(values['access-log'])) fail(`--access-log ${values['access-log']}: on or off`, 2)
  const logLevel = logLevels.find((level) => level === values['log-level'])
  if (logLevel === undefined) fail(`--log-level ${values['log-level']}: ${logLevels.join(', ')}`, 2)
  return {
    logLevel,
    settings: {
      configDir: resolve(config),
      filesIn,
      stateDir: resolve(state),
      host,
      xdsPort: number('xds-port', 65_535),
      apiPort: number('api-port', 65_535),
      metricsPort: number('metrics-port', 65_535),
      trustDomain: values['trust-domain'],
      svidTtlMs: number('svid-ttl-ms', 10 * 365 * 86_400_000),
      accessLog: values['access-log'] === 'on',
      proxy,
    },
  }
}

const { settings, logLevel } = readSettings()
const runtime = nodeRuntime({ logLevel, logFields: { component: 'control' } })
try {
  for (const folder of ['run', 'ca', 'registry', 'state']) {
    mkdirSync(join(settings.stateDir, folder), { recursive: true, mode: 0o700 })
  }
} catch (error) {
  fail(`cannot make ${settings.stateDir}: ${(error as Error).message}`, 1)
}

const started = await startControl(settings, runtime)
if (!started.ok) fail(started.error, 1)
const control = started.value
const { xds, api, metrics } = control
const bound = { pid: process.pid, xds, api, metrics }
const runFile = join(settings.stateDir, 'run/control.json')
const written = await runtime.files.writeAtomic(runFile, Buffer.from(`${JSON.stringify(bound)}\n`))
if (!written.ok) fail(`cannot write ${runFile}: ${written.error}`, 1)
runtime.log.info('control plane ready', { xds: xds.port, api: api.port, metrics: metrics.port })

let stopping = false
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (stopping) return
    stopping = true
    void control.close().then(() => process.exit(0))
  })
}
