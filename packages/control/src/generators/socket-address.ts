import type { AddressSchema } from '@weft/xds/es/envoy/config/core/v3/address'
import type { Init } from './init.ts'

/** A TCP address. */
export function socketAddress(address: string, port: number): Init<typeof AddressSchema> {
  return {
    address: { case: 'socketAddress', value: { address, portSpecifier: { case: 'portValue', value: port } } },
  }
}
