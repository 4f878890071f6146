// What routes say to filters of the connection manager: who may ask from other origins, and which requests are of one session.
// A proxy that lacks such a filter serves the rest of the route.
import type { Any } from '@bufbuild/protobuf/wkt'
import { durationMs, type HttpCors, type SessionPersistence, type StringMatch } from '@weft/resources'
import { FilterConfigSchema } from '@weft/xds/es/envoy/config/route/v3/route_components'
import { StatefulSessionPerRouteSchema } from '@weft/xds/es/envoy/extensions/filters/http/stateful_session/v3/stateful_session'
import { CookieBasedSessionStateSchema } from '@weft/xds/es/envoy/extensions/http/stateful_session/cookie/v3/cookie'
import { HeaderBasedSessionStateSchema } from '@weft/xds/es/envoy/extensions/http/stateful_session/header/v3/header'
import { duration } from '../config-source.ts'
import { pack } from '../encode.ts'
import { sessionFilter } from '../http-connection-manager.ts'
import { corsConfig } from '../routes/cors.ts'
import { literal } from './route-matches.ts'

const allMethods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']

/** The CORS of a filter. */
export function corsOverride(cors: HttpCors | undefined): Record<string, Any> {
  if (cors === undefined) return {}
  const { allowOrigins = [], allowMethods = [], allowHeaders, exposeHeaders, allowCredentials, maxAge } = cors
  return corsConfig({
    allowOrigins: allowOrigins.map(originMatch),
    // Browsers take a star for a method of that name when credentials are sent.
    allowMethods: allowMethods.includes('*') ? allMethods : allowMethods,
    ...(allowHeaders === undefined ? {} : { allowHeaders }),
    ...(exposeHeaders === undefined ? {} : { exposeHeaders }),
    ...(allowCredentials === undefined ? {} : { allowCredentials }),
    maxAge: `${maxAge}s`,
  })
}

/** A star in a host stands for at least one label. */
function originMatch(origin: string): StringMatch {
  if (origin === '*' || !origin.includes('*')) return { exact: origin }
  return { regex: origin.split('*').map(literal).join('.+') }
}

/** Requests of one session go to the endpoint that answered the first of them. */
export function sessionOverride(session: SessionPersistence | undefined): Record<string, Any> {
  if (session === undefined) return {}
  const name = session.sessionName ?? (session.type === 'Header' ? 'x-weft-session' : 'weft-session')
  const state =
    session.type === 'Header'
      ? pack(HeaderBasedSessionStateSchema, { name })
      : pack(CookieBasedSessionStateSchema, { cookie: { name, path: '/', ...lifetime(session) } })
  const config = pack(StatefulSessionPerRouteSchema, {
    override: {
      case: 'statefulSession',
      value: {
        sessionState: { name: `envoy.http.stateful_session.${session.type.toLowerCase()}`, typedConfig: state },
      },
    },
  })
  return { [sessionFilter]: pack(FilterConfigSchema, { isOptional: true, config }) }
}

/** A cookie of a session ends with the browser's; a permanent one after the absolute timeout. */
function lifetime({ cookieConfig, absoluteTimeout }: SessionPersistence): { ttl?: ReturnType<typeof duration> } {
  const ms = durationMs(absoluteTimeout)
  return cookieConfig?.lifetimeType === 'Permanent' && ms !== undefined ? { ttl: duration(ms) } : {}
}
