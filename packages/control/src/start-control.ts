// The control plane, assembled: sources and registry in, store, control plane, CA, ADS and admin servers out.
import { err, ok, type Result, type Runtime } from '@weft/core'
import type { DataPlane, FilesIn } from '@weft/resources'
import { adminRoutes } from './api/admin-routes.ts'
import { type AdminServer, startAdminServer } from './api/admin-server.ts'
import { controlMetrics } from './api/control-metrics.ts'
import {
  bootstrapTokens,
  openCertificateAuthority,
  type SignServiceOptions,
  signService,
  startOwnSvid,
} from './ca/index.ts'
import { ControlPlane } from './control-plane.ts'
import { type AdsServerOptions, startAdsServer } from './serve/ads-server.ts'
import { createDistributor } from './serve/distributor.ts'
import { defaultMeshSettings } from './snapshot/mesh-settings.ts'
import { FileSource } from './sources/file-source.ts'
import { probedEntries } from './probes/probe-plan.ts'
import { probeOver } from './probes/probe-once.ts'
import { Prober } from './probes/prober.ts'
import { RegistrySource } from './sources/registry-source.ts'
import { ConfigStore } from './store/config-store.ts'

/** What `main.ts` reads from its arguments. Paths are absolute; port 0 is any free port. */
export interface ControlSettings {
  readonly configDir: string
  /** Where below it the files lie, when that is known: a restart goes on with them, whatever became of the directory. */
  readonly filesIn?: FilesIn | undefined
  /** `.weft`; its folders `run`, `ca`, `registry` and `state` exist. */
  readonly stateDir: string
  readonly host: string
  readonly xdsPort: number
  readonly apiPort: number
  readonly metricsPort: number
  readonly trustDomain: string
  readonly svidTtlMs: number
  readonly accessLog: boolean
  /** Whose proxies are the data plane; what they do not enforce is refused. Weft's own unless given. */
  readonly proxy?: DataPlane
}

/** Where something listens. */
export interface BoundAt {
  readonly host: string
  readonly port: number
}

/** A running control plane. */
export interface RunningControl {
  readonly plane: ControlPlane
  readonly xds: BoundAt
  readonly api: BoundAt
  readonly metrics: BoundAt
  /** Ends streams and listeners, and waits until what is in force is on disk. */
  close(): Promise<void>
}

/** Builds the first snapshot, then serves it. The error is one line for people. */
export async function startControl(settings: ControlSettings, runtime: Runtime): Promise<Result<RunningControl>> {
  const { host, stateDir, trustDomain } = settings
  const closers: (() => void | Promise<void>)[] = []
  const giveUp = async (error: string): Promise<Result<never>> => {
    for (const close of closers.reverse()) await close()
    return err(error)
  }
  const metrics = controlMetrics()
  const distributor = createDistributor(runtime, (event) => metrics.onDistributorEvent(event))
  closers.push(() => distributor.close())
  const plane = new ControlPlane({
    runtime,
    settings: { ...defaultMeshSettings, trustDomain, accessLog: settings.accessLog },
    distributor,
    onRebuild: (rebuild) => metrics.onRebuild(rebuild),
    onConfig: (config) => prober.watch(probedEntries(config)),
  })
  const prober = new Prober({ runtime, probe: probeOver(runtime), onChange: (unready) => plane.setUnready(unready) })
  closers.push(() => prober.close())
  closers.push(() => plane.close())

  // Tables before listeners: a proxy that reconnects to a restarted control plane is not turned away as unknown.
  const inputs = await startInputs(settings, runtime, plane, closers)
  if (!inputs.ok) return giveUp(inputs.error)
  const { store, registry } = inputs.value
  await until(runtime, () => plane.ready)

  const served = await serveXds(settings, runtime, {
    onStream: (stream) => distributor.accept(stream, (node, peer) => plane.authorize(node, peer)),
    async hosted(wanted) {
      // The agent asks as soon as it has written a new instance down, maybe before the watch has told of it.
      if (!plane.workloadIds.has(wanted)) await registry.refresh()
      return plane.workloadIds
    },
  })
  if (!served.ok) return giveUp(served.error)
  closers.push(() => served.value.close())

  const routes = adminRoutes(plane, distributor, trustDomain)
  const api = await startAdminServer(host, settings.apiPort, routes)
  if (!api.ok) return giveUp(api.error)
  closers.push(() => api.value.close())
  const exporter = await startAdminServer(host, settings.metricsPort, [
    {
      path: '/metrics',
      answer: async () => ({ status: 200, body: await metrics.print(), contentType: metrics.contentType }),
    },
  ])
  if (!exporter.ok) return giveUp(exporter.error)
  closers.push(() => exporter.value.close())

  const at = (server: AdminServer): BoundAt => ({ host, port: server.port })
  return ok({
    plane,
    xds: { host, port: served.value.port },
    api: at(api.value),
    metrics: at(exporter.value),
    async close() {
      for (const close of closers.reverse()) await close()
      await store.flush()
      runtime.log.info('control plane stopped', { state: stateDir })
    },
  })
}

/** The CA and the ADS server with the control plane's own certificate. */
async function serveXds(
  settings: ControlSettings,
  runtime: Runtime,
  answers: Pick<AdsServerOptions, 'onStream'> & Pick<SignServiceOptions, 'hosted'>,
): Promise<Result<{ readonly port: number; close(): void }>> {
  const { host, stateDir, trustDomain } = settings
  const ca = await openCertificateAuthority({
    runtime,
    dir: `${stateDir}/ca`,
    trustDomain,
    lifetimeMs: settings.svidTtlMs,
  })
  if (!ca.ok) return ca
  let renew: Parameters<typeof startOwnSvid>[2] = () => {}
  const own = await startOwnSvid(ca.value, runtime, (material) => renew(material))
  const server = await startAdsServer({
    host,
    port: settings.xdsPort,
    material: own.material,
    clientRootsPem: ca.value.rootsPem,
    // The agent's first request for a certificate comes with a token instead; xDS streams are refused without one.
    requireClientCertificate: false,
    services: [
      signService({
        ca: ca.value,
        bundles: new Map([[trustDomain, ca.value.roots]]),
        tokens: bootstrapTokens(runtime.files, `${stateDir}/run/bootstrap.json`),
        hosted: answers.hosted,
        runtime,
      }),
    ],
    onStream: answers.onStream,
    log: runtime.log,
  })
  if (!server.ok) {
    own.close()
    return server
  }
  renew = (material) => server.value.renew(material, ca.value.rootsPem)
  return ok({
    port: server.value.port,
    close() {
      own.close()
      server.value.close()
    },
  })
}

/** Files and registry into the control plane, through the store. */
async function startInputs(
  settings: ControlSettings,
  runtime: Runtime,
  plane: ControlPlane,
  closers: (() => void | Promise<void>)[],
): Promise<Result<{ readonly store: ConfigStore; readonly registry: RegistrySource }>> {
  const store = new ConfigStore(runtime, `${settings.stateDir}/state/objects.json`, settings.proxy)
  store.subscribe((state) => plane.setStoreState(state))
  await store.load()
  const files = new FileSource(runtime, {
    dir: settings.configDir,
    filesIn: settings.filesIn,
    onFiles: (found) => store.apply(found),
  })
  const registry = new RegistrySource(runtime, {
    dir: `${settings.stateDir}/registry`,
    onInstances: (instances) => plane.setInstances(instances),
  })
  closers.push(
    () => files.close(),
    () => registry.close(),
    () => store.close(),
  )
  await registry.start()
  try {
    await files.start()
  } catch (error) {
    return err((error as Error).message)
  }
  return ok({ store, registry })
}

/** Waits for the rebuild that the first inputs caused. */
function until(runtime: Pick<Runtime, 'timers'>, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (condition()) resolve()
      else runtime.timers.set(1, check)
    }
    check()
  })
}
