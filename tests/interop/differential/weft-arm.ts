// Weft's proxies: one per side in this process, over real sockets. Their listeners are bound a few addresses further,
// since Envoy sits on those that the resources name.
import type { Net, Runtime } from '@weft/core'
import { nodeRuntime } from '@weft/core/node'
import { compile, matchFilterChain, testValue } from '@weft/engine'
import { resourceReaders } from '../../../packages/proxy/src/config/resource-readers.ts'
import { createRequestPath } from '../../../packages/proxy/src/exchange/create-request-path.ts'
import { Proxy } from '../../../packages/proxy/src/proxy.ts'
import { adsDialer, sdsDialer } from '../../../packages/proxy/src/xds/index.ts'
import { controlId, type Field } from './field.ts'
import type { ListenAt } from './mesh-tables.ts'
import { forEach } from './for-each.ts'
import type { LogReader, WireArm } from './wire-arm.ts'

/** Starts them; each serves once the ADS server has a table for its node. */
export async function startWeftArm<S extends string, L extends LogReader>(
  { attach }: Pick<Field, 'attach'>,
  sides: readonly S[],
  newLines: () => L,
): Promise<WireArm<S, L>> {
  const lines = forEach(sides, newLines)
  const nodeIds = forEach(sides, (side) => `weft-${side}`)
  const proxies: Proxy[] = []
  const runtime = movedRuntime()
  for (const side of sides)
    proxies.push(await startWeftProxy({ attach, runtime, nodeId: nodeIds[side], lines: lines[side] }))
  return {
    name: 'weft',
    nodeIds,
    lines,
    bound: movedPlace,
    async close() {
      await Promise.all(proxies.map((proxy) => proxy.stop()))
    },
  }
}

/** How a proxy is started. */
export interface WeftProxyOptions extends Pick<Field, 'attach'> {
  readonly nodeId: string
  /** Of `movedRuntime`: proxies that reach one another share it. */
  readonly runtime: Runtime
  readonly lines: LogReader
}

/** Starts one. */
export async function startWeftProxy({ attach, runtime, nodeId, lines }: WeftProxyOptions): Promise<Proxy> {
  const ads = { host: '127.0.0.1', port: attach.adsPort, serverSpiffeId: controlId }
  const proxy = new Proxy({
    runtime,
    bootstrap: {
      node: { id: nodeId, cluster: 'test', metadata: {} },
      instance: nodeId,
      address: '127.0.0.1',
      ads,
      sds: { path: attach.sdsPath },
      admin: { address: '127.0.0.1', port: 0 },
      drainMs: 200,
      accessLog: true,
    },
    readers: resourceReaders(compile, async () => (await import('@weft/engine/regex')).compileRegex),
    decisions: { matchFilterChain, testSan: (matcher, name) => testValue(matcher.test, name) },
    requestPath: createRequestPath,
    dialers: { sds: sdsDialer(runtime, attach.sdsPath), ads: (tls) => adsDialer(runtime, ads, tls) },
    accessLogOutput: {
      write(text) {
        for (const line of text.split('\n')) lines.add(line)
        return true
      },
    },
    onQuit() {},
  })
  const started = await proxy.start()
  if (!started.ok) throw new Error(started.error)
  return proxy
}

/** Where Weft's proxy is bound that was told to listen at a place. */
export function movedPlace(at: ListenAt): ListenAt {
  return { ...at, host: movedHost(at.host) }
}

function movedHost(host: string): string {
  return host.replace(/^127\.6([68])\./, '127.8$1.')
}

/** A network that binds at moved places, and dials there who was bound so. */
export function movedRuntime(): Runtime {
  const runtime = nodeRuntime({ logLevel: 'error' })
  const bound = new Set<string>()
  const net: Net = {
    ...runtime.net,
    listen(at, onConnection) {
      bound.add(`${at.host}:${at.port}`)
      return runtime.net.listen({ ...at, host: movedHost(at.host) }, onConnection)
    },
    connect(options, onOpen, onFail) {
      const host = bound.has(`${options.host}:${options.port}`) ? movedHost(options.host) : options.host
      return runtime.net.connect({ ...options, host }, onOpen, onFail)
    },
  }
  return { ...runtime, net }
}
