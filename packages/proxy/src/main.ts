// The proxy process: the only place of this package that reads argv and builds the runtime. To follow a request from
// here: Proxy -> ListenerManager -> acceptConnection -> RequestPath.serve -> exchange -> cluster -> pool.
import { type Logger, type Runtime } from '@weft/core'
import { type ChosenNet, chooseNet, nodeRuntime } from '@weft/core/node'
import { compile, matchFilterChain, testValue } from '@weft/engine'
import { type Bootstrap, parseBootstrap } from './bootstrap.ts'
import { resourceReaders } from './config/resource-readers.ts'
import { createRequestPath } from './exchange/create-request-path.ts'
import { Proxy } from './proxy.ts'
import { adsDialer, sdsDialer } from './xds/index.ts'

/** Exit codes, for the supervisor. */
const exitBadStart = 2
const exitBug = 70

/** This many bugs within this time end the process: its state cannot be trusted any more. */
const maxBugs = 20
const bugWindowMs = 10_000

async function main(): Promise<void> {
  const at = process.argv.indexOf('--bootstrap')
  const path = at < 0 ? undefined : process.argv[at + 1]
  if (path === undefined) return fail('usage: proxy --bootstrap FILE')
  const wish = process.env['WEFT_TRANSPORT'] ?? 'auto'
  if (wish !== 'auto' && wish !== 'socket') return fail(`WEFT_TRANSPORT must be auto or socket, not ${wish}`)
  const [bytes, chosen] = await Promise.all([nodeRuntime().files.read(path), chooseNet(wish)])
  if (bytes === undefined) return fail(`bootstrap ${path}: no such file`)
  const bootstrap = parseBootstrap(new TextDecoder().decode(bytes))
  if (!bootstrap.ok) return fail(`${path}: ${bootstrap.error}`)
  const runtime = nodeRuntime({ logFields: { proxy: bootstrap.value.instance }, net: chosen.net })
  await run(runtime, bootstrap.value, chosen)
}

async function run(runtime: Runtime, bootstrap: Bootstrap, { kind, reason }: ChosenNet): Promise<void> {
  guard(runtime)
  if (reason !== undefined) runtime.log.warn('raw TCP handles are not used', { reason })
  const proxy: Proxy = new Proxy({
    runtime,
    bootstrap,
    transport: { kind, reason },
    readers: resourceReaders(compile, async () => (await import('@weft/engine/regex')).compileRegex),
    decisions: {
      matchFilterChain,
      testSan: (matcher, name) => testValue(matcher.test, name),
    },
    requestPath: createRequestPath,
    dialers: {
      sds: sdsDialer(runtime, bootstrap.sds.path),
      ads: (tls) => adsDialer(runtime, bootstrap.ads, tls),
    },
    accessLogOutput: {
      write: (text) => {
        if (process.stdout.writableNeedDrain) return false
        process.stdout.write(text)
        return true
      },
    },
    onQuit: () => void stop(),
  })
  let stopping = false
  const stop = async (): Promise<void> => {
    if (stopping) return
    stopping = true
    await proxy.stop()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop())
  // The supervisor may go first when everything ends together; its closed pipes are no reason to end in a crash.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  const started = await proxy.start()
  if (!started.ok) fail(started.error)
}

/** A bug met while serving one peer must not end the connections of all others; many in a row must. */
function guard({ log, clock }: { readonly log: Logger; readonly clock: Runtime['clock'] }): void {
  const seenMs: number[] = []
  const onBug = (error: unknown): void => {
    const nowMs = clock.nowMs()
    seenMs.push(nowMs)
    while ((seenMs[0] as number) < nowMs - bugWindowMs) seenMs.shift()
    log.error('bug', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    if (seenMs.length >= maxBugs) process.exit(exitBug)
  }
  process.on('uncaughtException', onBug)
  process.on('unhandledRejection', onBug)
}

function fail(reason: string): void {
  process.stderr.write(`weft proxy: ${reason}\n`)
  process.exit(exitBadStart)
}

await main()
