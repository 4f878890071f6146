// The proxy process: the only place of this package that reads argv and builds the runtime. To follow a request from
// here: Proxy -> ListenerManager -> acceptConnection -> RequestPath.serve -> exchange -> cluster -> pool.
import { type Logger, type Net, type Runtime } from '@weft/core'
import { type ChosenNet, chooseNet, nodeRuntime } from '@weft/core/node'
import { compile, matchFilterChain, testValue } from '@weft/engine'
import { type Bootstrap, parseBootstrap } from './bootstrap.ts'
import { resourceReaders } from './config/resource-readers.ts'
import { createRequestPath } from './exchange/create-request-path.ts'
import { inheritedListeners, sharedDatagrams } from './listen/listener-source.ts'
import { collectAll, letOptimise, LoadWatch, processCpuMs } from './load-watch.ts'
import { Proxy } from './proxy.ts'
import { type Supervised, SupervisorLink } from './supervised.ts'
import { adsDialer, sdsDialer } from './xds/index.ts'

/** Exit codes, for the supervisor. */
const exitBadStart = 2
const exitBug = 70

/** This many bugs within this time end the process: its state cannot be trusted any more. */
const maxBugs = 20
const bugWindowMs = 10_000

async function main(): Promise<void> {
  const path = argument('--bootstrap')
  if (path === undefined) return fail('usage: proxy --bootstrap FILE [--shard N] [--epoch N]')
  const wish = process.env['WEFT_TRANSPORT'] ?? 'auto'
  if (wish !== 'auto' && wish !== 'gathered' && wish !== 'socket') {
    return fail(`WEFT_TRANSPORT must be auto, gathered or socket, not ${wish}`)
  }
  const [bytes, chosen] = await Promise.all([nodeRuntime().files.read(path), chooseNet(wish)])
  if (bytes === undefined) return fail(`bootstrap ${path}: no such file`)
  const bootstrap = parseBootstrap(new TextDecoder().decode(bytes))
  if (!bootstrap.ok) return fail(`${path}: ${bootstrap.error}`)
  const runtime = nodeRuntime({ logFields: { proxy: bootstrap.value.instance }, net: chosen.net })
  await run(runtime, bootstrap.value, chosen)
}

async function run(machine: Runtime, bootstrap: Bootstrap, { kind, reason }: ChosenNet): Promise<void> {
  guard(machine)
  if (reason !== undefined) machine.log.warn('raw TCP handles are not used', { reason })
  const started = Promise.withResolvers<Supervised>()
  const supervisor = process.send === undefined ? undefined : linkToParent(machine, started.promise)
  const net = supervisor === undefined ? machine.net : lentNet(machine.net, supervisor)
  const runtime: Runtime = { ...machine, net }
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
    onConnection: () => watch.onConnection(),
    processInfo: {
      pid: process.pid,
      epoch: Number(argument('--epoch') ?? 0),
      shard: Number(argument('--shard') ?? 0),
    },
    ...(supervisor === undefined ? {} : { peers: supervisor }),
  })
  const watch = new LoadWatch(machine.timers, {
    isReady: () => proxy.readiness() === 'LIVE',
    cpuMs: processCpuMs,
    collect: collectAll,
    optimise: letOptimise,
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
  // Under a supervisor there may be several of us: it says which one leads.
  const begun = await proxy.start(supervisor === undefined)
  if (!begun.ok) fail(begun.error)
  started.resolve({ proxy, onRetired: () => process.exit(0) })
}

/** The machine's network, its listening sockets lent by the supervisor. */
function lentNet(net: Net, { channel }: SupervisorLink): Net {
  const { datagrams } = net
  const listen = inheritedListeners(net.listen, channel)
  return { ...net, listen, ...(datagrams === undefined ? {} : { datagrams: sharedDatagrams(datagrams) }) }
}

/** The channel to the process that started us, which lends descriptors and joins shards and generations to one proxy. */
function linkToParent({ timers }: Runtime, supervised: Promise<Supervised>): SupervisorLink {
  // Without a callback a parent that is gone would be an uncaught error.
  const post = (message: object): void => void process.send?.(message, undefined, undefined, () => {})
  const link = new SupervisorLink(post, timers, supervised)
  process.on('message', (message, handle) => link.channel.receive(message, handle))
  process.on('disconnect', () => link.channel.close())
  return link
}

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(name)
  return at < 0 ? undefined : process.argv[at + 1]
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
