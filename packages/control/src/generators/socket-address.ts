import { type AddressSchema, SocketAddress_Protocol } from '@weft/xds/es/envoy/config/core/v3/address'
import type { Init } from './init.ts'

/** A TCP address. */
export function socketAddress(address: string, port: number): Init<typeof AddressSchema> {
  return {
    address: { case: 'socketAddress', value: { address, portSpecifier: { case: 'portValue', value: port } } },
  }
}

/** A UDP address. */
export function datagramAddress(address: string, port: number): Init<typeof AddressSchema> {
  return {
    address: {
      case: 'socketAddress',
      value: { address, portSpecifier: { case: 'portValue', value: port }, protocol: SocketAddress_Protocol.UDP },
    },
  }
}

/** A Unix socket; `@` begins a name in the abstract namespace. */
export function pipeAddress(path: string): Init<typeof AddressSchema> {
  return { address: { case: 'pipe', value: { path } } }
}

/** The address of an internal listener; `endpointId` tells endpoints behind the same one apart. */
export function internalAddress(listener: string, endpointId = ''): Init<typeof AddressSchema> {
  return {
    address: {
      case: 'envoyInternalAddress',
      value: { addressNameSpecifier: { case: 'serverListenerName', value: listener }, endpointId },
    },
  }
}
