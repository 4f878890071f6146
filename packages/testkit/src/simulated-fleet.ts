// Proxies that are nothing but their xDS streams: they subscribe as Weft's proxy does, acknowledge everything, and keep only
// counts. So a control plane can be shown a thousand of them in one process.
import { typeUrl, type XdsStream } from '@weft/xds'
import {
  newDeltaDiscoveryRequest,
  newNode,
  readDeltaDiscoveryResponse,
  writeDeltaDiscoveryRequest,
} from '@weft/xds/lean'
import { xdsStreamPair } from './xds-stream-pair.ts'

/** What the proxies of a fleet received. */
export interface FleetCounts {
  responses: number
  resources: number
  bytes: number
}

/** Connected proxies. */
export class SimulatedFleet {
  readonly received: FleetCounts = { responses: 0, resources: 0, bytes: 0 }
  readonly #accept: (stream: XdsStream) => void
  readonly #defer: (run: () => void) => void

  /** `accept` takes the server's end of each stream; `defer` delivers messages one by one. */
  constructor(accept: (stream: XdsStream) => void, defer: (run: () => void) => void) {
    this.#accept = accept
    this.#defer = defer
  }

  /** Opens a proxy's stream and asks for everything, as Weft's proxy does. */
  connect(
    instance: { readonly name: string; readonly namespace: string; readonly address: string },
    spiffeId: string,
  ): void {
    const { name, namespace, address } = instance
    const id = `sidecar~${address}~${name}.${namespace}~${namespace}.svc.cluster.local`
    const metadata = { WEFT: { instance: name, namespace, flavor: 'weft' } }
    const serverSees = { spiffeId, serial: '01', notAfterMs: Number.MAX_SAFE_INTEGER }
    const { client, server } = xdsStreamPair({ kind: 'delta', defer: this.#defer, serverSees })
    client.start({
      onMessage: (bytes) => this.#take(client, bytes),
      onDrain() {},
      onClose() {},
    })
    this.#accept(server)
    const node = newNode({ id, cluster: name, metadata, userAgentName: 'simulated' })
    this.#ask(client, { typeUrl: typeUrl.cluster, node, resourceNamesSubscribe: ['*'] })
    this.#ask(client, { typeUrl: typeUrl.listener, resourceNamesSubscribe: ['*'] })
    this.#ask(client, { typeUrl: typeUrl.routeConfiguration, resourceNamesSubscribe: ['outbound-http'] })
  }

  #take(client: XdsStream, bytes: Uint8Array): void {
    const response = readDeltaDiscoveryResponse(bytes, [])
    this.received.responses++
    this.received.resources += response.resources.length
    this.received.bytes += bytes.length
    this.#ask(client, { typeUrl: response.typeUrl, responseNonce: response.nonce })
    if (response.typeUrl !== typeUrl.cluster) return
    const endpoints = response.resources.map(({ name }) => name).filter((name) => /^outbound\||^weft\./.test(name))
    if (endpoints.length > 0) {
      this.#ask(client, { typeUrl: typeUrl.clusterLoadAssignment, resourceNamesSubscribe: endpoints })
    }
  }

  #ask(client: XdsStream, init: Parameters<typeof newDeltaDiscoveryRequest>[0]): void {
    client.send(writeDeltaDiscoveryRequest(newDeltaDiscoveryRequest(init)))
  }
}
