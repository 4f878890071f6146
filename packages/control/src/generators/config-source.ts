// Where a proxy gets a resource from: the ADS stream, or the host agent's SDS for secrets.
import {
  ApiConfigSource_ApiType,
  ApiVersion,
  type ConfigSourceSchema,
} from '@weft/xds/es/envoy/config/core/v3/config_source'
import type { Init } from './init.ts'

type ConfigSourceInit = Init<typeof ConfigSourceSchema>

/** A Duration message of whole and fractional seconds. */
export function duration(ms: number): { seconds: bigint; nanos: number } {
  const seconds = Math.floor(ms / 1000)
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1000) * 1e6) }
}

/** The ADS stream the referring resource came on. Waiting has no limit, as in Istio: nothing serves half-configured. */
export function adsSource(): ConfigSourceInit {
  return {
    resourceApiVersion: ApiVersion.V3,
    initialFetchTimeout: duration(0),
    configSourceSpecifier: { case: 'ads', value: {} },
  }
}

/** The agent's Unix socket, which the bootstrap calls cluster `sds-grpc`. */
export function sdsSource(): ConfigSourceInit {
  return {
    resourceApiVersion: ApiVersion.V3,
    initialFetchTimeout: duration(0),
    configSourceSpecifier: {
      case: 'apiConfigSource',
      value: {
        apiType: ApiConfigSource_ApiType.GRPC,
        transportApiVersion: ApiVersion.V3,
        setNodeOnFirstMessageOnly: true,
        grpcServices: [{ targetSpecifier: { case: 'envoyGrpc', value: { clusterName: 'sds-grpc' } } }],
      },
    },
  }
}

/**
 * The ADS stream, for secrets that people wrote: one that is not there must not keep the other servers of its port from
 * working. Those that are there come on the stream that named them, so that 2 s are long.
 */
export function secretSource(): ConfigSourceInit {
  return {
    resourceApiVersion: ApiVersion.V3,
    initialFetchTimeout: duration(2_000),
    configSourceSpecifier: { case: 'ads', value: {} },
  }
}
