// Listener filters: what is found out about a connection before a chain is chosen; and the UDP listener's one filter.
import * as lean from '@weft/xds/lean'
import type { ListenerSniffing, ProxyProtocolRules } from '../model.ts'
import { type Context, readPart, refuse } from './refusal.ts'

/** What the listener filters of a TCP listener ask for. */
export function compileSniffing(context: Context, listener: lean.Listener): ListenerSniffing {
  const found = { tls: false, http: false, originalDst: false }
  let proxyProtocol: ProxyProtocolRules | undefined
  for (const [index, filter] of listener.listenerFilters.entries()) {
    const at = `listener_filters[${index}].typed_config`
    const any = filter.typedConfig
    switch (any?.typeUrl) {
      case lean.typeUrls.TlsInspector:
        readPart(context, at, lean.readTlsInspector, any.value)
        found.tls = true
        break
      case lean.typeUrls.HttpInspector:
        found.http = true
        break
      case lean.typeUrls.OriginalDst:
        found.originalDst = true
        break
      case lean.typeUrls.ProxyProtocol:
        if (found.tls || found.http)
          refuse(
            `listener_filters[${index}]`,
            'must come before the inspectors: its header is in front of what they read',
          )
        proxyProtocol = compileProxyProtocol(at, readPart(context, at, lean.readProxyProtocol, any.value))
        break
      default:
        refuse(at, `the listener filter "${filter.name}" (${any?.typeUrl ?? 'nothing'}) is not known`)
    }
  }
  return {
    ...found,
    ...(proxyProtocol === undefined ? {} : { proxyProtocol }),
    timeoutMs: listener.listenerFiltersTimeout ?? 15_000,
    continueOnTimeout: listener.continueOnListenerFiltersTimeout,
  }
}

function compileProxyProtocol(at: string, filter: lean.ProxyProtocol): ProxyProtocolRules {
  const versions = ([1, 2] as const).filter((version) => !filter.disallowedVersions.includes(`V${version}`))
  if (versions.length === 0 && !filter.allowRequestsWithoutProxyProtocol)
    refuse(`${at}.disallowed_versions`, 'names both versions: no connection would be accepted')
  return { optional: filter.allowRequestsWithoutProxyProtocol, versions }
}
