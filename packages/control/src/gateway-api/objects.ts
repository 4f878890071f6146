// The objects of the Gateway API as the control plane reads them.
import type { SpecByKind } from '@weft/resources'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'

/** API group of the kinds of the standard channel. */
export const gatewayGroup = 'gateway.networking.k8s.io'
/** API group of kinds that are experimental as a whole. */
export const experimentalGroup = 'gateway.networking.x-k8s.io'

/** Kinds of routes. */
export const routeKinds = ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'] as const
/** A kind of routes. */
export type RouteKind = (typeof routeKinds)[number]

export type ApiGateway = SnapshotObject<SpecByKind['GatewayAPIGateway']>
export type ListenerSet = SnapshotObject<SpecByKind['ListenerSet']>
export type HttpRoute = SnapshotObject<SpecByKind['HTTPRoute']>
export type GrpcRoute = SnapshotObject<SpecByKind['GRPCRoute']>
export type TlsRoute = SnapshotObject<SpecByKind['TLSRoute']>
export type TcpRoute = SnapshotObject<SpecByKind['TCPRoute']>
export type UdpRoute = SnapshotObject<SpecByKind['UDPRoute']>
/** A route of any kind. */
export type Route = HttpRoute | GrpcRoute | TlsRoute | TcpRoute | UdpRoute
