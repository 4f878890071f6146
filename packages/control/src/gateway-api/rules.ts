// The rules of routes as the control plane reads them.
export type {
  GrpcRouteMatch as GrpcMatch,
  HttpRouteMatch as HttpMatch,
  HttpRouteRule as HttpRule,
} from '@weft/resources'
