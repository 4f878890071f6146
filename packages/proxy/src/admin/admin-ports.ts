import type { NetListener, Result, Runtime } from '@weft/core'
import type { Bootstrap } from '../bootstrap.ts'
import { type AdminActions, adminHandler, publicHandler } from './admin.ts'
import type { ProxyView } from './proxy-view.ts'
import { listenSmall } from './small-http-server.ts'

/**
 * Opens the ports a proxy is looked at by: administration, metrics, health. The error says which could not be opened; those
 * that were are closed again.
 */
export async function openAdminPorts(
  runtime: Runtime,
  bootstrap: Bootstrap,
  view: ProxyView,
  actions: AdminActions,
): Promise<Result<NetListener[]>> {
  const open = publicHandler(view)
  const servers: NetListener[] = []
  for (const [host, port, handler] of [
    [bootstrap.admin.address, bootstrap.admin.port, adminHandler(view, actions)],
    [bootstrap.address, bootstrap.metricsPort, open],
    [bootstrap.address, bootstrap.healthPort, open],
  ] as const) {
    if (port === undefined) continue
    const listening = await listenSmall(runtime, { host, port }, handler)
    if (!listening.ok) {
      await Promise.all(servers.map((server) => server.close()))
      return { ok: false, error: `${host}:${port}: ${listening.error}` }
    }
    servers.push(listening.value)
  }
  return { ok: true, value: servers }
}
