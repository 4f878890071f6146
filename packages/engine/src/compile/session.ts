// envoy.filters.http.stateful_session: where a session is written down.
import * as lean from '@weft/xds/lean'
import type { Session, SessionState } from '../model.ts'
import { type Context, readPart, refuse } from './refusal.ts'

/** The filter's own configuration; undefined: it acts only where a route says how. */
export function compileSession(context: Context, at: string, filter: lean.StatefulSession): Session | undefined {
  const extension = filter.sessionState
  if (extension === undefined) return undefined
  const where = `${at}.session_state.typed_config`
  return { state: compileState(context, where, extension.typedConfig), strict: filter.strict }
}

function compileState(context: Context, at: string, any: lean.TypedExtensionConfig['typedConfig']): SessionState {
  switch (any?.typeUrl) {
    case lean.typeUrls.CookieBasedSessionState: {
      const { cookie } = readPart(context, at, lean.readCookieBasedSessionState, any.value)
      if (cookie === undefined || cookie.name === '') return refuse(`${at}.cookie.name`, 'is empty')
      const { name, path, ttl = 0 } = cookie
      return { kind: 'cookie', name, made: { ttlMs: ttl, path, attributes: [] } }
    }
    case lean.typeUrls.HeaderBasedSessionState: {
      const { name } = readPart(context, at, lean.readHeaderBasedSessionState, any.value)
      return name === '' ? refuse(`${at}.name`, 'is empty') : { kind: 'header', name: name.toLowerCase() }
    }
    default:
      return refuse(at, `the session state ${any?.typeUrl ?? 'nothing'} is not known`)
  }
}
