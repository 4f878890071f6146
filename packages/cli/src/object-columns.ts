// The columns that kubectl shows of a kind, and where the object is written.
import type { ObjectReport } from '@weft/control'

/** A table of objects. */
export interface ObjectTable {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
}

/** What is read of the objects that have columns of their own. */
interface Fields {
  readonly spec?: {
    readonly gatewayClassName?: string
    readonly controllerName?: string
    readonly hostnames?: readonly string[]
    readonly hosts?: readonly string[]
    readonly host?: string
    readonly gateways?: readonly string[]
    readonly parentRefs?: readonly { readonly name: string }[]
    readonly ports?: readonly { readonly port: number }[]
  }
  readonly status?: {
    readonly addresses?: readonly { readonly value: string }[]
    readonly conditions?: readonly Condition[]
    readonly parents?: readonly { readonly conditions: readonly Condition[] }[]
    readonly ancestors?: readonly { readonly conditions: readonly Condition[] }[]
  }
}

type Column = readonly [head: string, value: (fields: Fields) => string]

const columnsOf: Readonly<Record<string, readonly Column[]>> = {
  'gateway.networking.k8s.io/Gateway': [
    ['CLASS', ({ spec }) => spec?.gatewayClassName ?? ''],
    ['ADDRESS', ({ status }) => (status?.addresses ?? []).map(({ value }) => value).join(',')],
    ['PROGRAMMED', ({ status }) => conditionOf(status?.conditions, 'Programmed')],
  ],
  'gateway.networking.k8s.io/GatewayClass': [
    ['CONTROLLER', ({ spec }) => spec?.controllerName ?? ''],
    ['ACCEPTED', ({ status }) => conditionOf(status?.conditions, 'Accepted')],
  ],
  'gateway.networking.k8s.io/ListenerSet': [
    ['ACCEPTED', ({ status }) => conditionOf(status?.conditions, 'Accepted')],
    ['PROGRAMMED', ({ status }) => conditionOf(status?.conditions, 'Programmed')],
  ],
  'networking.istio.io/VirtualService': [
    ['GATEWAYS', ({ spec }) => (spec?.gateways ?? []).join(',')],
    ['HOSTS', ({ spec }) => (spec?.hosts ?? []).join(',')],
  ],
  'networking.istio.io/DestinationRule': [['HOST', ({ spec }) => spec?.host ?? '']],
  'networking.istio.io/ServiceEntry': [['HOSTS', ({ spec }) => (spec?.hosts ?? []).join(',')]],
  'core/Service': [['PORTS', ({ spec }) => (spec?.ports ?? []).map(({ port }) => port).join(',')]],
}

const routeColumns: readonly Column[] = [
  ['HOSTNAMES', ({ spec }) => (spec?.hostnames ?? []).join(',')],
  ['PARENTS', ({ spec }) => (spec?.parentRefs ?? []).map(({ name }) => name).join(',')],
  ['ACCEPTED', ({ status }) => ofEach(status?.parents, 'Accepted')],
  ['RESOLVED', ({ status }) => ofEach(status?.parents, 'ResolvedRefs')],
]

const policyColumns: readonly Column[] = [['ACCEPTED', ({ status }) => ofEach(status?.ancestors, 'Accepted')]]

/** The table of objects; several kinds share only the first columns. */
export function objectColumns(objects: readonly ObjectReport[]): ObjectTable {
  const kinds = [...new Set(objects.map(kindOf))]
  const own = kinds.length === 1 ? columnsFor(kinds[0] ?? '') : []
  const several: readonly string[] = kinds.length > 1 ? ['KIND'] : []
  const head = ['NAMESPACE', 'NAME', ...several, ...own.map(([name]) => name), 'FROM']
  const rows = objects.map((object) => {
    const { metadata } = object.manifest
    const at = object.position
    return [
      metadata.namespace ?? '-',
      metadata.name,
      ...(several.length > 0 ? [kindOf(object)] : []),
      ...own.map(([, value]) => value(object.manifest as Fields) || '-'),
      at === undefined ? '-' : `${at.file}:${at.line}`,
    ]
  })
  return { head, rows }
}

function columnsFor(kind: string): readonly Column[] {
  if (/^gateway\.networking\.k8s\.io\/\w+Route$/.test(kind)) return routeColumns
  if (kind.endsWith('Policy') && kind.startsWith('gateway.')) return policyColumns
  return columnsOf[kind] ?? []
}

function kindOf({ key }: ObjectReport): string {
  return key.split('/').slice(0, 2).join('/')
}

/** `True`, or the status with its reason. */
function conditionOf(conditions: readonly Condition[] | undefined, type: string): string {
  const found = conditions?.find((one) => one.type === type)
  if (found === undefined) return ''
  return found.status === 'True' ? 'True' : `${found.status} (${found.reason})`
}

function ofEach(list: readonly { readonly conditions: readonly Condition[] }[] | undefined, type: string): string {
  return [...new Set((list ?? []).map(({ conditions }) => conditionOf(conditions, type)))].join(', ')
}
