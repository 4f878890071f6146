// RequestAuthentications of a workload as the JWT filter: a bad token never passes, none does unless one is required.
import { durationMs, type JwtRule, type RequestAuthenticationSpec } from '@weft/resources'
import {
  JwtAuthenticationSchema,
  type JwtProviderSchema,
  type JwtRequirementSchema,
} from '@weft/xds/es/envoy/extensions/filters/http/jwt_authn/v3/config'
import type { HttpFilterSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import { duration } from '../generators/config-source.ts'
import { pack } from '../generators/encode.ts'
import { outboundCluster } from '../generators/hosts.ts'
import type { Init } from '../generators/init.ts'
import type { SnapshotObject } from '../snapshot/mesh-snapshot.ts'
import { jwtFilter, payloadKey } from './jwt-matchers.ts'

type Requirement = Init<typeof JwtRequirementSchema>

/** A place where keys are fetched. */
export interface KeyServer {
  readonly host: string
  readonly port: number
  readonly tls: boolean
}

/** The filter, or none without rules. Rules of all objects count, in the order of the objects. */
export function jwtAuthn(
  authentications: readonly SnapshotObject<RequestAuthenticationSpec>[],
): Init<typeof HttpFilterSchema>[] {
  const rules = authentications.flatMap(({ spec }) => spec.jwtRules)
  if (rules.length === 0) return []
  const config = pack(JwtAuthenticationSchema, {
    providers: Object.fromEntries(rules.map((rule, index) => [providerName(index), provider(rule)])),
    rules: [
      {
        match: { pathSpecifier: { case: 'prefix', value: '/' } },
        requirementType: { case: 'requires', value: requirement(rules) },
      },
    ],
    // Browsers send no tokens with the question whether they may.
    bypassCorsPreflight: true,
  })
  return [{ name: jwtFilter, configType: { case: 'typedConfig', value: config } }]
}

/** Where the keys of these objects are fetched, each place once. */
export function keyServers(authentications: readonly SnapshotObject<RequestAuthenticationSpec>[]): KeyServer[] {
  const servers = authentications
    .flatMap(({ spec }) => spec.jwtRules)
    .flatMap(({ jwksUri }) => (jwksUri === undefined ? [] : [keyServer(jwksUri)]))
  return [...new Map(servers.map((server) => [keyCluster(server), server])).values()]
}

/** The cluster of a place: a Service's own, or one made for it. */
export function keyCluster({ host, port }: KeyServer): string {
  return inMesh(host) ? outboundCluster(host, port) : `jwks|${port}|${host}`
}

/** Whether a host is a Service of the mesh, by its full name. */
export function inMesh(host: string): boolean {
  return host.endsWith('.svc.cluster.local')
}

function keyServer(uri: string): KeyServer {
  const { hostname, port, protocol } = new URL(uri)
  const tls = protocol === 'https:'
  // Addresses of IPv6 stand in brackets in URLs only.
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? (tls ? 443 : 80) : Number(port), tls }
}

function providerName(index: number): string {
  return `origins-${index}`
}

function provider(rule: JwtRule): Init<typeof JwtProviderSchema> {
  return {
    issuer: rule.issuer,
    audiences: [...(rule.audiences ?? [])],
    forward: rule.forwardOriginalToken === true,
    forwardPayloadHeader: rule.outputPayloadToHeader ?? '',
    payloadInMetadata: payloadKey,
    fromHeaders: (rule.fromHeaders ?? []).map(({ name, prefix }) => ({ name, valuePrefix: prefix ?? '' })),
    fromParams: [...(rule.fromParams ?? [])],
    fromCookies: [...(rule.fromCookies ?? [])],
    claimToHeaders: (rule.outputClaimToHeaders ?? []).map(({ header, claim }) => ({
      headerName: header,
      claimName: claim,
    })),
    normalizePayloadInMetadata: {
      spaceDelimitedClaims: [...new Set(['scope', 'permission', ...(rule.spaceDelimitedClaims ?? [])])],
    },
    jwksSourceSpecifier: keys(rule),
  }
}

/** Keys that are fetched are kept for as long as Istio keeps them, and fetched ahead of need. */
function keys({ jwks, jwksUri, timeout }: JwtRule): NonNullable<Init<typeof JwtProviderSchema>['jwksSourceSpecifier']> {
  if (jwksUri === undefined) {
    return { case: 'localJwks', value: { specifier: { case: 'inlineString', value: jwks ?? '{"keys":[]}' } } }
  }
  return {
    case: 'remoteJwks',
    value: {
      httpUri: {
        uri: jwksUri,
        httpUpstreamType: { case: 'cluster', value: keyCluster(keyServer(jwksUri)) },
        timeout: duration(durationMs(timeout) ?? 5000),
      },
      cacheDuration: duration(300_000),
      asyncFetch: { fastListener: true },
    },
  }
}

/**
 * Every rule's token is good or, where it may be, missing; or (a token of one issuer is a bad one for the others, in the same
 * place) the tokens that are required are good, or without any such rule that of one.
 */
function requirement(rules: readonly JwtRule[]): Requirement {
  const good = (index: number): Requirement => ({ requiresType: { case: 'providerName', value: providerName(index) } })
  const missing: Requirement = { requiresType: { case: 'allowMissing', value: {} } }
  const each = rules.map(({ presence }, index) =>
    presence === 'REQUIRED' ? good(index) : anyOf([good(index), missing]),
  )
  const [first] = each
  if (each.length === 1 && first !== undefined) return first
  const required = rules.flatMap(({ presence }, index) => (presence === 'REQUIRED' ? [good(index)] : []))
  return anyOf([allOf(each), ...(required.length > 0 ? [allOf(required)] : rules.map((_rule, index) => good(index)))])
}

function anyOf(requirements: Requirement[]): Requirement {
  return { requiresType: { case: 'requiresAny', value: { requirements } } }
}

function allOf(requirements: Requirement[]): Requirement {
  const [first] = requirements
  if (requirements.length === 1 && first !== undefined) return first
  return { requiresType: { case: 'requiresAll', value: { requirements } } }
}
