// Names that gRPC clients and servers ask for.
import type { ServicePort } from '@weft/resources'
import { type Service, serviceHost } from '../hosts.ts'

/** The certificate provider that a bootstrap offers: keys and certificates as files that it watches. */
export const certificateProvider = 'default'

/** What servers ask for: this, then the address they listen on. Istio's words. */
export const serverListenerPrefix = 'xds.istio.io/grpc/lds/inbound/'

/** The RouteConfiguration of a port: one for all names that lead there. */
export function routesOf(service: Service, { port }: Pick<ServicePort, 'port'>): string {
  return `${serviceHost(service)}:${port}`
}
