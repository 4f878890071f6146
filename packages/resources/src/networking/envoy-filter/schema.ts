// Schema of Istio's EnvoyFilter. Patches that check who asks are refused: left out, they would let everybody through.
import {
  anything,
  doc,
  exactlyOne,
  type Finding,
  integer,
  list,
  mapOf,
  object,
  pending,
  pendingOnWeft,
  portNumber,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { workloadLabels } from '../match-schema.ts'
import { targetFields } from '../target-reference.ts'

const name = doc('Its name.', text('no-nul'))
const noPatch = 'what is generated is sent unchanged'
const noPortNames = 'ports of listeners have no names; write `portNumber`'
const noWaypoints = 'there are no waypoints'

const filter = object({
  name,
  subFilter: doc('A filter inside it.', object({ name })),
})

const listener = object({
  portNumber: doc('Port of the listener.', portNumber),
  portName: doc('Name of the port.', pending(noPortNames, text('no-nul'))),
  filterChain: doc(
    'A filter chain in it.',
    object({
      name,
      sni: doc('Server name it is for.', text('no-nul')),
      transportProtocol: doc('Transport it is for, tls or raw_buffer.', text('no-nul')),
      applicationProtocols: doc('Protocols it is for, separated by commas.', text('no-nul')),
      filter: doc('A filter in it.', filter),
      destinationPort: doc('Port it is for.', portNumber),
    }),
  ),
  listenerFilter: doc('A listener filter in it.', text('no-nul')),
  name,
})

const routeConfiguration = object({
  portNumber: doc('Port it is for.', portNumber),
  portName: doc('Name of the port of a Gateway where TLS ends; other routes have none.', text('no-nul')),
  gateway: doc(
    'Gateway it is for, as namespace/name, where TLS ends there; other routes are for a port.',
    text('no-nul'),
  ),
  vhost: doc(
    'A virtual host in it.',
    object({
      name,
      domainName: doc('A domain of it.', text('no-nul')),
      route: doc(
        'A route in it.',
        object({ name, action: doc('What the route does.', word(['ANY', 'ROUTE', 'REDIRECT', 'DIRECT_RESPONSE'])) }),
      ),
    }),
  ),
  name,
})

const cluster = object({
  portNumber: doc('Port of the service.', portNumber),
  service: doc('Host of the service.', text('no-nul')),
  subset: doc('Subset of the service.', text('no-nul')),
  name,
})

const waypoint = object({
  filter: doc('A filter of it.', filter),
  portNumber: doc('Port of it.', portNumber),
  route: doc('A route of it.', object({ name })),
})

const match = object(
  {
    context: doc(
      'Where the patch applies.',
      word(['ANY', 'SIDECAR_INBOUND', 'SIDECAR_OUTBOUND', 'GATEWAY', 'WAYPOINT']),
    ),
    proxy: doc(
      'Proxies it is for.',
      object({
        proxyVersion: doc(
          'Expression that is found in their version, which is that of the API of Istio: 1.31.0.',
          text('regex'),
        ),
        metadata: doc(
          'Of their node: NAME, NAMESPACE, WORKLOAD_NAME, SERVICE_ACCOUNT, ISTIO_VERSION.',
          mapOf(text('no-nul'), 'not-empty'),
        ),
      }),
    ),
    listener: doc('Listener to patch.', listener),
    routeConfiguration: doc('Routes to patch.', routeConfiguration),
    cluster: doc('Cluster to patch.', cluster),
    waypoint: doc('Waypoint to patch.', pending(noWaypoints, waypoint)),
  },
  { check: checkMatch },
)

const patch = object({
  operation: doc(
    'What happens at the place.',
    word([
      'INVALID',
      'MERGE',
      'MERGE_AND_REPLACE_LIST',
      'ADD',
      'REMOVE',
      'INSERT_BEFORE',
      'INSERT_AFTER',
      'INSERT_FIRST',
      'REPLACE',
    ]),
  ),
  value: doc('Piece of Envoy configuration.', anything),
  filterClass: doc('Where among the filters it goes.', {
    ...word(['UNSPECIFIED', 'AUTHN', 'AUTHZ', 'STATS']),
    'x-refused-weft-values': {
      AUTHN: 'A check that is left out lets everybody through; use PeerAuthentication.',
      AUTHZ: 'A check that is left out lets everybody through; use AuthorizationPolicy.',
    },
  }),
})

const configPatch = object({
  applyTo: doc(
    'What is patched.',
    word([
      'INVALID',
      'LISTENER',
      'FILTER_CHAIN',
      'NETWORK_FILTER',
      'HTTP_FILTER',
      'ROUTE_CONFIGURATION',
      'VIRTUAL_HOST',
      'HTTP_ROUTE',
      'CLUSTER',
      'EXTENSION_CONFIG',
      'BOOTSTRAP',
      'LISTENER_FILTER',
    ]),
  ),
  match: doc('Where it is patched.', match),
  patch: doc('The patch.', patch),
})

/** Schema of `spec`. */
export const envoyFilterSchema: Schema = object(
  {
    workloadSelector: doc('Proxies it is for.', pendingOnWeft(noPatch, workloadLabels)),
    targetRefs: pendingOnWeft(noPatch, targetFields.targetRefs),
    configPatches: doc('Patches, in order.', pendingOnWeft(noPatch, list(configPatch, { max: 1000 }))),
    priority: doc('Order among EnvoyFilters.', pendingOnWeft(noPatch, integer(-2_147_483_648, 2_147_483_647))),
  },
  { check: exactlyOne(['workloadSelector', 'targetRefs'], 0) },
)

function* checkMatch(value: { readonly context?: string; readonly waypoint?: unknown }): Iterable<Finding> {
  const places = ['listener', 'routeConfiguration', 'cluster', 'waypoint'] as const
  yield* exactlyOne(places, 0)(value)
  const { context } = value
  for (const place of places) {
    if ((value as Readonly<Record<string, unknown>>)[place] === undefined) continue
    if ((place === 'waypoint') === (context === 'WAYPOINT')) continue
    const message = `does not go with context ${context ?? 'ANY'}`
    const mend = 'Use `waypoint` with context WAYPOINT, and nothing else with it.'
    yield { at: [place], code: 'conflicting-fields', message, mend }
  }
}
