// Hand-made xDS resources and an in-memory control plane and agent that serve them: a proxy without the rest of the mesh.
import { createRegistry, type DescMessage, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf'
import { ok, type Runtime } from '@weft/core'
import { simCertificatePem, simRootPem, type SimWorld, xdsStreamPair } from '@weft/testkit'
import { type EncodedResource, type ResourceTable, resourceTable, typeUrl } from '@weft/xds'
import { ClusterSchema } from '@weft/xds/es/envoy/config/cluster/v3/cluster'
import { ClusterLoadAssignmentSchema } from '@weft/xds/es/envoy/config/endpoint/v3/endpoint'
import { ListenerSchema } from '@weft/xds/es/envoy/config/listener/v3/listener'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { StdoutAccessLogSchema } from '@weft/xds/es/envoy/extensions/access_loggers/stream/v3/stream'
import { HTTPFaultSchema } from '@weft/xds/es/envoy/extensions/filters/http/fault/v3/fault'
import { RBACPerRouteSchema, RBACSchema } from '@weft/xds/es/envoy/extensions/filters/http/rbac/v3/rbac'
import { RouterSchema } from '@weft/xds/es/envoy/extensions/filters/http/router/v3/router'
import { TlsInspectorSchema } from '@weft/xds/es/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector'
import { HttpConnectionManagerSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { TcpProxySchema } from '@weft/xds/es/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy'
import { SecretSchema } from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/secret'
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '@weft/xds/es/envoy/extensions/transport_sockets/tls/v3/tls'
import { createDistributor } from '../../packages/control/src/serve/distributor.ts'
import type { Distributor } from '../../packages/control/src/serve/distributor-api.ts'
import type { XdsDialers } from '../../packages/proxy/src/config/upstream-of-config.ts'

const registry = createRegistry(
  HTTPFaultSchema,
  RBACPerRouteSchema,
  RBACSchema,
  RouterSchema,
  StdoutAccessLogSchema,
  TlsInspectorSchema,
  HttpConnectionManagerSchema,
  TcpProxySchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
)

const schemas: ReadonlyMap<string, DescMessage> = new Map<string, DescMessage>([
  [typeUrl.listener, ListenerSchema],
  [typeUrl.routeConfiguration, RouteConfigurationSchema],
  [typeUrl.cluster, ClusterSchema],
  [typeUrl.clusterLoadAssignment, ClusterLoadAssignmentSchema],
  [typeUrl.secret, SecretSchema],
])

/** Resources in Envoy's JSON by type URL and name. */
export type JsonResources = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>

/** Encodes resources, with the messages of `types` in their Anys; versions are hashes of the content. */
export function tableOf(resources: JsonResources, types = registry): ResourceTable {
  const encodedTypes = new Map<string, Map<string, EncodedResource>>()
  for (const [type, byName] of Object.entries(resources)) {
    const schema = schemas.get(type) as DescMessage
    const encoded = Object.entries(byName).map(([name, json]): [string, EncodedResource] => {
      const body = toBinary(schema, fromJson(schema, json, { registry: types }))
      return [name, { name, version: hash(Buffer.from(body).toString('latin1')), body }]
    })
    encodedTypes.set(type, new Map(encoded))
  }
  return resourceTable(encodedTypes, hash)
}

/** FNV-1a; enough to tell versions of a test apart, and the same on every run. */
function hash(text: string): string {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return (value >>> 0).toString(16)
}

/** A control plane and an agent made of two distributors, with in-memory streams. */
export interface StaticXds {
  readonly ads: Distributor
  readonly sds: Distributor
  /** False: the control plane is down; open streams end. */
  adsUp(up: boolean): void
  dialers(runtime: Runtime): XdsDialers
  /** Gives the proxy with this node id (again) a certificate that ends `lifeMs` from now. */
  issue(nodeId: string, spiffeId: string, lifeMs?: number): void
}

/** Makes them; nodes are admitted by their node id alone. */
export function staticXds(world: SimWorld): StaticXds {
  const runtime = world.runtimeOf('control')
  const state = {
    up: true,
    serial: 1,
    ads: createDistributor(runtime),
    sds: createDistributor(world.runtimeOf('agent')),
  }
  const dial =
    (distributor: () => Distributor, up: () => boolean): XdsDialers['sds'] =>
    (onOpen, onFail) => {
      const timer = world.clock.set(1, () => {
        if (!up()) return onFail('connection refused')
        const { client, server } = xdsStreamPair({ kind: 'delta', defer: (run) => void world.clock.set(0, run) })
        distributor().accept(server, (node) => ok(node.id))
        onOpen(client)
      })
      return () => timer.cancel()
    }
  return {
    ads: state.ads,
    sds: state.sds,
    adsUp(up) {
      state.up = up
      if (!up) state.ads.close()
    },
    dialers: () => ({
      sds: dial(
        () => state.sds,
        () => true,
      ),
      ads: () =>
        dial(
          () => state.ads,
          () => state.up,
        ),
    }),
    issue(nodeId, spiffeId, lifeMs = 24 * 3_600_000) {
      const certificate = simCertificatePem({
        spiffeId,
        dnsNames: [],
        serial: (state.serial++).toString(16),
        notBeforeMs: world.clock.wallMs(),
        notAfterMs: world.clock.wallMs() + lifeMs,
        issuer: 'mesh',
      })
      const secrets: JsonResources = {
        [typeUrl.secret]: {
          default: {
            name: 'default',
            tlsCertificate: {
              certificateChain: { inlineString: certificate },
              privateKey: { inlineString: `sim key of ${spiffeId}` },
            },
          },
          ROOTCA: { name: 'ROOTCA', validationContext: { trustedCa: { inlineString: simRootPem('mesh') } } },
        },
      }
      state.sds.setTable(nodeId, tableOf(secrets))
    },
  }
}
