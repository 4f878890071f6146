import { isLoopback, parseAddress } from '@weft/engine'

/**
 * The local address a connection is made from; undefined: the kernel chooses. A mesh address of loopback is what other
 * workloads of this machine know a caller by; from it no other machine can be reached.
 */
export function sourceAddressTo(destination: string, bound: string | undefined): string | undefined {
  if (bound === undefined || !isLoopback(bound) || isLoopback(destination)) return bound
  // Names are resolved below: where they lead out of the machine the cluster says so itself.
  return parseAddress(destination) === undefined ? bound : undefined
}
