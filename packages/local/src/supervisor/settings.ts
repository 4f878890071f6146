// Everything `weft up` was asked, after reading the command line.
import type { NameServer, ProxyKind } from './proxy-bootstrap.ts'

/** Ports of the control plane; 0 is any free port. */
export interface ControlPorts {
  readonly xds: number
  readonly api: number
  readonly metrics: number
}

/** The usual ports (design section 4). */
export const CONTROL_PORTS: ControlPorts = { xds: 15012, api: 15080, metrics: 15014 }

/** A way to make the mesh wrong on purpose, so that tests can see `--check` notice it. */
export type Sabotage = 'mtls-off' | 'route-removed' | 'wrong-san'

/** Options of `weft up`. */
export interface UpSettings {
  readonly dir: string
  readonly proxyKind: ProxyKind
  readonly trustDomain: string
  /** Life of certificates; undefined: the CA's default, 24 h. */
  readonly svidTtlMs: number | undefined
  /** Renews all identities this often, whatever their life. */
  readonly rotateEveryMs: number | undefined
  readonly ports: ControlPorts
  readonly accessLog: boolean
  /** Whom proxies ask for the addresses of hosts that requests name; absent: whom the machine asks. */
  readonly dnsServers?: readonly NameServer[] | undefined
  readonly verbose: boolean
  readonly sabotage: Sabotage | undefined
  /** The environment workloads inherit. */
  readonly env: Readonly<Record<string, string>>
}
