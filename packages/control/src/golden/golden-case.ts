// One golden case: a folder with `in.yaml` and what is expected of one proxy, one file per asserted type.
import { typeUrl } from '@weft/xds'
import { stringify } from 'yaml'
import type { UnenforceablePolicy } from '../store/store-state.ts'
import { buildOffline, type OfflineMesh } from '../build-offline.ts'
import { defaultMeshSettings } from '../snapshot/mesh-settings.ts'
import { resourceToJson } from '../patches/resource-to-json.ts'
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts'
import { meshStatuses } from '../status/mesh-statuses.ts'

const types: Readonly<Record<string, string>> = {
  listeners: typeUrl.listener,
  routes: typeUrl.routeConfiguration,
  clusters: typeUrl.cluster,
  endpoints: typeUrl.clusterLoadAssignment,
  secrets: typeUrl.secret,
}

/** What the comment lines at the top of `in.yaml` ask for. */
export interface GoldenOptions {
  readonly proxy: string
  /** `listeners`, `routes`, `clusters`, `endpoints`, `secrets`, `bootstrap`, `findings`, `status`; a name in brackets narrows to one resource (or object). */
  readonly expect: readonly string[]
  readonly flavor: 'weft' | 'envoy'
  readonly interception: 'explicit' | 'redirect'
  /** Fields of xDS messages that Envoy obeys and Weft's engine does not read; everything else it must read. */
  readonly unread: readonly string[]
  /** The case is for Envoy alone: Weft's engine refuses some of its resources, by name. */
  readonly refusedByEngine: boolean
  /** AuthorizationPolicies that the store could not read: `<namespace>/<name>`, and `label=value` when their selector could be. */
  readonly unenforceable: readonly UnenforceablePolicy[]
}

/** A case, translated; `name` is its folder below `golden/`. */
export interface GoldenCase {
  readonly name: string
  readonly options: GoldenOptions
  readonly mesh: OfflineMesh
}

/** Translates the `in.yaml` of a case; throws when its options make no sense. */
export function goldenCase(name: string, text: string): GoldenCase {
  const options = readOptions(text, name)
  const { flavor, interception, unenforceable } = options
  return { name, options, mesh: buildOffline([{ name: 'in.yaml', text }], { settings: defaultMeshSettings, flavor, interception, unenforceable }) }
}

function readOptions(text: string, name: string): GoldenOptions {
  const known = new Set(['proxy', 'expect', 'flavor', 'interception', 'unenforceable', 'unread', 'engine'])
  const found = new Map<string, string>()
  for (const [, key = '', value = ''] of text.matchAll(/^# @(\w+) (.*)$/gm)) {
    if (!known.has(key)) throw new Error(`${name}/in.yaml: unknown option @${key}`)
    found.set(key, value.trim())
  }
  const proxy = found.get('proxy')
  const expect = found.get('expect')
  if (proxy === undefined || expect === undefined) throw new Error(`${name}/in.yaml: needs # @proxy and # @expect`)
  return {
    proxy,
    expect: expect.split(/\s+/),
    flavor: found.get('flavor') === 'weft' ? 'weft' : 'envoy',
    interception: found.get('interception') === 'redirect' ? 'redirect' : 'explicit',
    refusedByEngine: found.get('engine') === 'refuses',
    unread: (found.get('unread') ?? '').split(/\s+/).filter(Boolean),
    unenforceable: (found.get('unenforceable') ?? '').split(/,\s*/).filter(Boolean).map(unenforceablePolicy),
  }
}

function unenforceablePolicy(text: string): UnenforceablePolicy {
  const [, namespace = '', name = '', label, value = ''] = /^(\S+)\/(\S+)(?: (\S+)=(\S+))?$/.exec(text) ?? []
  return {
    id: { cluster: '', group: 'security.istio.io', kind: 'AuthorizationPolicy', namespace, name },
    selector: label === undefined ? undefined : { [label]: value },
    reason: 'spec.rules[0].from[0].source.requestPrincipals: is not supported',
  }
}

/** What the case should produce: file name to content. */
export function expectedFiles({ options, mesh, name }: GoldenCase): Map<string, string> {
  const table = mesh.resourcesFor(options.proxy)
  if (table === undefined) throw new Error(`${name}/in.yaml: no proxy ${options.proxy}`)
  const files = new Map<string, string>()
  for (const wanted of options.expect) {
    const [, what = '', only] = /^(\w+)(?:\[(.+)\])?$/.exec(wanted) ?? []
    if (what === 'findings') {
      const { losers, generatorProblems } = mesh
      files.set('expected.findings.yaml', print({ losers, problems: generatorProblems }))
      continue
    }
    if (what === 'bootstrap') {
      files.set('expected.bootstrap.yaml', print(mesh.bootstrapFor(options.proxy)?.patches ?? []))
      continue
    }
    if (what === 'status') {
      files.set('expected.status.yaml', (files.get('expected.status.yaml') ?? '') + print(statuses(mesh.snapshot, only ?? '')))
      continue
    }
    const type = types[what]
    if (type === undefined) throw new Error(`${name}/in.yaml: cannot expect ${wanted}`)
    const resources = [...table.get(type).values()].filter((r) => only === undefined || r.name.includes(only))
    const previous = files.get(`expected.${what}.yaml`) ?? ''
    const text = resources.map((resource) => print(resourceToJson(type, resource.body))).join('---\n')
    files.set(`expected.${what}.yaml`, previous === '' ? text : `${previous}---\n${text}`)
  }
  return files
}

/** What Gateway API objects are told, by key; without what the clock says, and without the list of features that every class has. */
function statuses(snapshot: MeshSnapshot, only: string): unknown {
  const wanted = [...meshStatuses(snapshot, { time: '' })].filter(([key]) => key.includes(only)).sort(([a], [b]) => (a < b ? -1 : 1))
  const left = new Set(['lastTransitionTime', 'observedGeneration', 'supportedFeatures'])
  const text = JSON.stringify(Object.fromEntries(wanted), (key, value: unknown) => (left.has(key) ? undefined : value))
  return JSON.parse(text) as unknown
}

function print(value: unknown): string {
  return stringify(value, { lineWidth: 140, aliasDuplicateObjects: false })
}
