// WasmPlugins as HTTP filters, for Envoy. What is no file cannot be loaded: it denies, or is left out with FAIL_OPEN. Weft's own proxy runs no
// modules: where one checks who asks, it denies instead.
import { isModuleFile, type TelemetrySide, type WasmPhase, type WasmPluginSpec } from '@weft/resources'
import { create } from '@bufbuild/protobuf'
import { anyPack, StringValueSchema } from '@bufbuild/protobuf/wkt'
import { RBAC_Action } from '@weft/xds/es/envoy/config/rbac/v3/rbac'
import { RBACSchema as HttpRbacSchema } from '@weft/xds/es/envoy/extensions/filters/http/rbac/v3/rbac'
import { WasmSchema } from '@weft/xds/es/envoy/extensions/filters/http/wasm/v3/wasm'
import type { HttpFilterSchema } from '@weft/xds/es/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager'
import type { VmConfigSchema } from '@weft/xds/es/envoy/extensions/wasm/v3/wasm'
import { jwtFilter } from '../policies/jwt-matchers.ts'
import { policyLevel, type PolicyTarget, withServices } from '../policies/workload-selection.ts'
import type { MeshQuery } from '../snapshot/mesh-query.ts'
import { pack } from './encode.ts'
import type { Init } from './init.ts'

type HttpFilterInit = Init<typeof HttpFilterSchema>

/** A module that holds for one side of a proxy: plain, so that a scope may hold it. */
export interface PluginPlan {
  readonly namespace: string
  readonly name: string
  readonly phase: WasmPhase
  /** Ports of which one must be asked for; none: all. */
  readonly ports: readonly number[]
  /** What the module is; absent where none is run. */
  readonly spec?: Pick<WasmPluginSpec, 'url' | 'pluginConfig' | 'pluginName' | 'failStrategy' | 'vmConfig'>
}

/** The modules for one side of a workload, in the order in which they run; for Weft's proxy those that check who asks. */
export function pluginsOf(
  mesh: MeshQuery,
  target: PolicyTarget,
  { side, flavor }: { readonly side: TelemetrySide; readonly flavor: 'weft' | 'envoy' },
): PluginPlan[] {
  const all = mesh.wasmPlugins(target)
  const known = withServices(
    mesh,
    target,
    all.map(({ spec }) => spec),
  )
  return all
    .filter(({ id, spec }) => policyLevel(id, spec, known, mesh.settings.rootNamespace) !== undefined)
    .filter(({ spec }) =>
      flavor === 'envoy' ? isModuleFile(spec.url) || spec.failStrategy !== 'FAIL_OPEN' : isCheck(spec.phase),
    )
    .sort((a, b) => b.spec.priority - a.spec.priority || (a.key < b.key ? -1 : 1))
    .flatMap(({ id: { namespace, name }, spec }) => {
      const ports = portsFor(spec, side)
      if (ports === undefined) return []
      const { url, pluginConfig, pluginName, failStrategy, vmConfig, phase } = spec
      const module = Object.fromEntries(
        Object.entries({ url, pluginConfig, pluginName, failStrategy, vmConfig }).filter(
          ([, value]) => value !== undefined,
        ),
      ) as PluginPlan['spec']
      return [
        {
          namespace,
          name,
          phase,
          ports,
          ...(flavor === 'envoy' && isModuleFile(spec.url) && module !== undefined ? { spec: module } : {}),
        },
      ]
    })
}

function isCheck(phase: WasmPhase): boolean {
  return phase === 'AUTHN' || phase === 'AUTHZ'
}

/** Undefined: the plugin is not for this side. Empty: for all its ports. */
function portsFor({ match = [] }: WasmPluginSpec, side: TelemetrySide): readonly number[] | undefined {
  if (match.length === 0) return []
  const fitting = match.filter(({ mode = 'UNDEFINED' }) => ['UNDEFINED', 'CLIENT_AND_SERVER', side].includes(mode))
  if (fitting.length === 0) return undefined
  if (fitting.some(({ ports = [] }) => ports.length === 0)) return []
  return [...new Set(fitting.flatMap(({ ports = [] }) => ports.map(({ number }) => number)))].sort((a, b) => a - b)
}

/**
 * The filters of a port with the modules among them: `checks` are those of policies. Where a listener stands for many ports (undefined) a plugin
 * for some of them runs for all.
 */
export function withPlugins(
  checks: readonly HttpFilterInit[],
  plugins: readonly PluginPlan[],
  port: number | undefined,
): HttpFilterInit[] {
  const here = plugins.filter(({ ports }) => port === undefined || ports.length === 0 || ports.includes(port))
  const denied = here.filter(({ spec }) => spec === undefined)
  const of = (...phases: WasmPhase[]): HttpFilterInit[] =>
    here.flatMap((plugin) =>
      phases.includes(plugin.phase) && plugin.spec !== undefined ? [moduleFilter(plugin, plugin.spec)] : [],
    )
  const tokens = checks.findLastIndex(({ name }) => name === jwtFilter) + 1
  return [
    ...(denied.length > 0 ? [denyAll(denied)] : []),
    ...of('AUTHN'),
    ...checks.slice(0, tokens),
    ...of('AUTHZ'),
    ...checks.slice(tokens),
    ...of('STATS'),
    ...of('UNSPECIFIED_PHASE'),
  ]
}

function denyAll(plugins: readonly PluginPlan[]): HttpFilterInit {
  const everything = {
    permissions: [{ rule: { case: 'any' as const, value: true } }],
    principals: [{ identifier: { case: 'any' as const, value: true } }],
  }
  const policies = Object.fromEntries(
    plugins.map(({ namespace, name }) => [`ns[${namespace}]-policy[${name}]-module`, everything]),
  )
  const value = pack(HttpRbacSchema, { rules: { action: RBAC_Action.DENY, policies } })
  return { name: 'envoy.filters.http.rbac', configType: { case: 'typedConfig', value } }
}

function moduleFilter({ namespace, name }: PluginPlan, spec: NonNullable<PluginPlan['spec']>): HttpFilterInit {
  const { pluginName = '', pluginConfig, failStrategy } = spec
  const settings =
    pluginConfig === undefined
      ? {}
      : {
          configuration: anyPack(StringValueSchema, create(StringValueSchema, { value: JSON.stringify(pluginConfig) })),
        }
  const value = pack(WasmSchema, {
    config: {
      name: `${namespace}.${name}`,
      rootId: pluginName,
      vm: { case: 'vmConfig', value: virtualMachine(spec) },
      ...settings,
      failOpen: failStrategy === 'FAIL_OPEN',
    },
  })
  return { name: `wasm.${namespace}.${name}`, configType: { case: 'typedConfig', value } }
}

function virtualMachine({ url, vmConfig }: NonNullable<PluginPlan['spec']>): Init<typeof VmConfigSchema> {
  const env = vmConfig?.env ?? []
  const inline = env.filter(({ valueFrom }) => valueFrom !== 'HOST')
  const variables = {
    hostEnvKeys: env.filter(({ valueFrom }) => valueFrom === 'HOST').map(({ name }) => name),
    keyValues: Object.fromEntries(inline.map(({ name, value = '' }) => [name, value])),
  }
  return {
    runtime: 'envoy.wasm.runtime.v8',
    ...(env.length === 0 ? {} : { environmentVariables: variables }),
    code: { specifier: { case: 'local', value: { specifier: { case: 'filename', value: fileOf(url) } } } },
  }
}

/** Only files are accepted. */
function fileOf(url: string): string {
  return url.slice('file://'.length)
}
