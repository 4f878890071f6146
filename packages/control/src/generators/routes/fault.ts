// Injected faults, as per-route configuration of the fault filter.
import type { Any } from '@bufbuild/protobuf/wkt'
import { durationMs, grpcStatusCodes, type HttpFault } from '@weft/resources'
import { type FaultAbortSchema, HTTPFaultSchema } from '@weft/xds/es/envoy/extensions/filters/http/fault/v3/fault'
import { duration } from '../config-source.ts'
import { pack } from '../encode.ts'
import { faultFilter } from '../http-connection-manager.ts'
import type { Init } from '../init.ts'
import { millionths } from './millionths.ts'

/** The `typed_per_filter_config` of a route. */
export function faultConfig(fault: HttpFault | undefined): Record<string, Any> {
  if (fault === undefined) return {}
  const { delay, abort } = fault
  const config = pack(HTTPFaultSchema, {
    ...(delay?.fixedDelay === undefined
      ? {}
      : {
          delay: {
            faultDelaySecifier: { case: 'fixedDelay' as const, value: duration(durationMs(delay.fixedDelay)) },
            percentage: millionths(delay.percentage.value),
          },
        }),
    ...(abort?.httpStatus === undefined && abort?.grpcStatus === undefined
      ? {}
      : {
          abort: {
            errorType: abortStatus(abort),
            percentage: millionths(abort.percentage.value),
          },
        }),
  })
  return { [faultFilter]: config }
}

function abortStatus({
  httpStatus,
  grpcStatus,
}: NonNullable<HttpFault['abort']>): NonNullable<Init<typeof FaultAbortSchema>['errorType']> {
  return grpcStatus === undefined
    ? { case: 'httpStatus', value: httpStatus ?? 503 }
    : { case: 'grpcStatus', value: grpcStatusCodes[grpcStatus] }
}
