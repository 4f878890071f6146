// A whole mesh in one process: the real control plane and real proxies over in-memory streams and transports, on the
// virtual clock. Certificates are simulated; everything else is what runs in production.
import { err, ok } from '@weft/core'
import { compile, matchFilterChain, testValue } from '@weft/engine'
import { compileRegex } from '@weft/engine/regex'
import { loadFiles, ofKind, planInstances, type WorkloadInstance } from '@weft/resources'
import { readSimCertificate, SimWorld, xdsStreamPair } from '@weft/testkit'
import { ControlPlane } from '../../packages/control/src/control-plane.ts'
import { createDistributor } from '../../packages/control/src/serve/distributor.ts'
import { defaultMeshSettings } from '../../packages/control/src/snapshot/mesh-settings.ts'
import { type WatchedConfiguration, watchConfiguration } from '../../packages/control/src/store/watch-configuration.ts'
import { resourceReaders } from '../../packages/proxy/src/config/resource-readers.ts'
import { createRequestPath } from '../../packages/proxy/src/exchange/create-request-path.ts'
import { Proxy } from '../../packages/proxy/src/proxy.ts'
import type { RequestPathFactory } from '../../packages/proxy/src/request-path.ts'
import type { XdsDialer } from '../../packages/proxy/src/xds/index.ts'
import { staticXds, type StaticXds } from './static-xds.ts'

const dir = '/mesh'

/** The mesh and what a test may do to it. */
export interface SimMesh {
  readonly world: SimWorld
  readonly instances: readonly WorkloadInstance[]
  readonly proxies: ReadonlyMap<string, Proxy>
  instance(name: string): WorkloadInstance
  /** Writes the configuration file and lets everything settle. */
  write(yaml: string): Promise<void>
  /** Gives every instance a new certificate. */
  issueAll(lifeMs?: number): void
  /** Ends the control plane as `kill -9` does, or starts a new one on the same files. */
  killControl(): void
  startControl(): Promise<void>
  /** Ends a proxy as `kill -9` does and starts its next generation. */
  restartProxy(name: string): Promise<void>
  /** Every exchange a proxy reported, in order. */
  readonly exchanges: readonly SimExchange[]
  stop(): Promise<void>
}

/** What a proxy reported of an exchange. */
export interface SimExchange {
  readonly proxy: string
  readonly status: number
  /** Serial of the certificate that the downstream showed. */
  readonly peerSerial: string | undefined
}

/** Starts a mesh whose instances are all ready. */
export async function startSimMesh(seed: number, yaml: string): Promise<SimMesh> {
  const world = new SimWorld(seed)
  world.network.latencyMs = [0.1, 1.5]
  const { objects } = loadFiles([{ name: 'mesh.yaml', text: yaml }])
  const planned = planInstances(ofKind(objects, 'Workload'), ofKind(objects, 'Service'))
  const instances = planned.map((instance) => ({ ...instance, ready: true }))
  const write = (path: string, text: string) => world.files.writeAtomic(path, new TextEncoder().encode(text))
  await write(`${dir}/mesh.yaml`, yaml)
  await write(`${dir}/.weft/registry/instances.json`, JSON.stringify({ instances }))
  const control = new SimControl(world)
  await control.start()
  const agent = staticXds(world)
  const issueAll = (lifeMs?: number): void => {
    for (const instance of instances) agent.issue(nodeIdOf(instance), spiffeIdOf(instance), lifeMs)
  }
  issueAll()
  const proxies = new Map<string, Proxy>()
  const exchanges: SimExchange[] = []
  const startProxy = async (instance: WorkloadInstance): Promise<void> => {
    const proxy = makeProxy({ world, control, agent, exchanges }, instance)
    proxies.set(instance.name, proxy)
    const started = await proxy.start()
    if (!started.ok) throw new Error(started.error)
  }
  for (const instance of instances) await startProxy(instance)
  const instanceNamed = (name: string) => instances.find((each) => each.name === name) as WorkloadInstance
  return {
    world,
    instances,
    proxies,
    instance: instanceNamed,
    exchanges,
    restartProxy: async (name) => {
      world.network.kill(name)
      void proxies.get(name)?.stop()
      await startProxy(instanceNamed(name))
    },
    write: async (text) => {
      await write(`${dir}/mesh.yaml`, text)
      await world.clock.advance(1_000)
    },
    issueAll,
    killControl: () => control.kill(),
    startControl: () => control.start(),
    stop: async () => {
      const stopping = [...proxies.values()].map((proxy) => proxy.stop())
      await world.clock.advance(10_000)
      await Promise.all(stopping)
      control.kill()
    },
  }
}

/** The control plane as a process that can be killed and started again. */
class SimControl {
  readonly #world: SimWorld
  #running:
    | { plane: ControlPlane; distributor: ReturnType<typeof createDistributor>; watched?: WatchedConfiguration }
    | undefined

  constructor(world: SimWorld) {
    this.#world = world
  }

  async start(): Promise<void> {
    const runtime = this.#world.runtimeOf('control')
    const distributor = createDistributor(runtime)
    const plane = new ControlPlane({ runtime, settings: defaultMeshSettings, distributor })
    const running = { plane, distributor }
    const watched = await watchConfiguration(runtime, {
      dir,
      onState: (state) => plane.setStoreState(state),
      onInstances: (instances) => plane.setInstances(instances),
    })
    this.#running = { ...running, watched }
  }

  kill(): void {
    const running = this.#running
    this.#running = undefined
    running?.plane.close()
    running?.distributor.close()
    void running?.watched?.close()
  }

  /** Dials it with the identity of the proxy's certificate at that moment. */
  dialer(certificateOf: () => string): XdsDialer {
    return (onOpen, onFail) => {
      const timer = this.#world.clock.set(1, () => {
        const running = this.#running
        if (running === undefined) return onFail('connection refused')
        const certificate = readSimCertificate(certificateOf())
        const { client, server } = xdsStreamPair({
          kind: 'delta',
          defer: (run) => void this.#world.clock.set(0, run),
          ...(certificate === undefined ? {} : { serverSees: certificate }),
        })
        running.distributor.accept(server, (node, peer) => running.plane.authorize(node, peer))
        onOpen(client)
      })
      return () => timer.cancel()
    }
  }
}

function nodeIdOf({ proxy, address, name, namespace }: WorkloadInstance): string {
  const type = proxy === 'gateway' ? 'router' : 'sidecar'
  return `${type}~${address}~${name}.${namespace}~${namespace}.svc.cluster.local`
}

function spiffeIdOf({ namespace, serviceAccount }: WorkloadInstance): string {
  return `spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`
}

interface Surroundings {
  readonly world: SimWorld
  readonly control: SimControl
  readonly agent: StaticXds
  readonly exchanges: SimExchange[]
}

/** The real request path, whose reports are also kept. */
function reportedPath(name: string, exchanges: SimExchange[]): RequestPathFactory {
  return (context) =>
    createRequestPath({
      ...context,
      telemetry: (connection) => {
        const sink = context.telemetry(connection)
        return {
          onExchange: (record) => {
            const { status, downstreamPeer } = record
            exchanges.push({ proxy: name, status, peerSerial: downstreamPeer?.serial })
            sink.onExchange(record)
          },
          onMessages: (record) => sink.onMessages(record),
          messagesEveryMs: () => sink.messagesEveryMs(),
          onTcpOpened: (record, carried) => sink.onTcpOpened(record, carried),
          onTcpClosed: (record) => sink.onTcpClosed(record),
        }
      },
    })
}

function makeProxy({ world, control, agent, exchanges }: Surroundings, instance: WorkloadInstance): Proxy {
  const runtime = world.runtimeOf(instance.name)
  const { name, namespace, address } = instance
  return new Proxy({
    runtime,
    bootstrap: {
      node: {
        id: nodeIdOf(instance),
        cluster: instance.workload,
        metadata: { WEFT: { instance: name, namespace, flavor: 'weft' } },
      },
      instance: name,
      address,
      upstreamBindAddress: address,
      ads: { host: '127.0.0.1', port: 15012, serverSpiffeId: 'spiffe://cluster.local/ns/weft-system/sa/weft-control' },
      sds: { path: '/run/sds.sock' },
      admin: { address, port: 15000 },
      metricsPort: 15020,
      healthPort: 15021,
      stateDir: `${dir}/.weft/proxies/${name}`,
      drainMs: 2_000,
      accessLog: true,
    },
    readers: resourceReaders(compile, async () => compileRegex),
    decisions: { matchFilterChain, testSan: (matcher, san) => testValue(matcher.test, san) },
    requestPath: reportedPath(name, exchanges),
    dialers: {
      sds: agent.dialers(runtime).sds,
      ads: (tls) => control.dialer(() => tls().material.certificateChainPem),
    },
    accessLogOutput: {
      write: (text) => {
        for (const line of text.trimEnd().split('\n')) runtime.log.info('access', { line })
        return true
      },
    },
    onQuit() {},
    readLeaf: (pem) => {
      const certificate = readSimCertificate(pem)
      return certificate === undefined ? err('not a certificate') : ok(certificate)
    },
  })
}
