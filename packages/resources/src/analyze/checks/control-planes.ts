// What belongs to an Istio control plane: where its webhooks point, its networks, what it may fetch; and versions of CRDs.
import type { Check, Fault } from '../check.ts'
import type { MeshView } from '../mesh-view.ts'
import { topic } from '../topics.ts'
import { dig, type Fields, fieldsOf, itemsOf, labelsOf, nameOf, textOf, type WrittenObject } from '../written-object.ts'
import { selectTogether, selectorsOf } from './label-selectors.ts'

const webhookName = /(^|\.)(validation|sidecar-injector)\.istio\.io$/

/** A control plane outside the cluster is reached by a URL: it must be there and name a host. */
function* checkUrls({ body }: WrittenObject): Iterable<Fault> {
  for (const [i, webhook] of itemsOf(body['webhooks']).entries()) {
    if (!webhookName.test(textOf(webhook['name']))) continue
    const client = fieldsOf(webhook['clientConfig'])
    if (client['service'] !== undefined) continue
    const field = `webhooks[${i}].clientConfig.url`
    const url = textOf(client['url'])
    const host = url === '' ? undefined : hostOf(url)
    const mend = 'Write https:// and the host name of the control plane.'
    if (host === undefined) {
      const message =
        url === '' ? 'is missing, and there is no `service`' : `${JSON.stringify(url)} is no URL of a host`
      const effect = 'so the API server reaches no control plane and nothing is injected or validated'
      yield { code: 'IST0163', field, message: `${message}, ${effect}`, mend }
      return
    }
    if (/^\d+(\.\d+){3}$|^\[/.test(host)) {
      yield { code: 'IST0164', field, message: `names an address (${host}), which certificates seldom hold`, mend }
      return
    }
  }
}

function hostOf(url: string): string | undefined {
  return /^https?:\/\/(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:\d+)?(\/|$)/.exec(url)?.[1]
}

const injectors = 'MutatingWebhookConfiguration.admissionregistration.k8s.io'

function* checkWebhooks(object: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const others = mesh.at(topic.kind(injectors)).filter((other) => other !== object)
  for (const [i, webhook] of injectionWebhooks(object).entries()) {
    const service = fieldsOf(dig(webhook, 'clientConfig', 'service'))
    const name = `${textOf(service['namespace'])}/${textOf(service['name'])}`
    if (textOf(service['name']) !== '' && mesh.one('Service', name) === undefined) {
      const message = `there is no Service ${name}, so pods it is asked about cannot be created or get no sidecar`
      const field = `webhooks[${i}].clientConfig.service`
      yield { code: 'IST0139', field, message, mend: 'Remove the webhook, or install its control plane.' }
    }
    const mine = selectorsOf(webhook)
    const rival = others.find((other) =>
      injectionWebhooks(other).some((their) => selectTogether(mine, selectorsOf(their))),
    )
    if (rival === undefined) continue
    const message = `selects pods that ${rival.id.name} selects too, so they would be injected twice`
    yield { code: 'IST0139', field: `webhooks[${i}]`, message, mend: 'Make their selectors disjoint.' }
  }
}

/** The webhooks that inject sidecars, in their order. */
export function injectionWebhooks({ body }: WrittenObject): Fields[] {
  return itemsOf(body['webhooks']).filter((webhook) =>
    /(^|\.)sidecar-injector\.istio\.io$/.test(textOf(webhook['name'])),
  )
}

/** Networks name where their endpoints come from: this cluster, or one that a secret gives access to. */
function* checkNetworks(object: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const networks = fieldsOf(object.body['networks'] ?? object.spec['networks'])
  const place = object.body['networks'] === undefined ? 'spec.networks' : 'networks'
  const clusters = mesh
    .at(topic.inNamespace('Secret', 'istio-system'))
    .filter(({ labels }) => labels['istio/multiCluster'] === 'true')
    .flatMap(({ body }) => [...Object.keys(fieldsOf(body['data'])), ...Object.keys(fieldsOf(body['stringData']))])
  const known = new Set(['Kubernetes', ...clusters])
  for (const [name, network] of Object.entries(networks)) {
    for (const [i, { fromRegistry }] of itemsOf(fieldsOf(network)['endpoints']).entries()) {
      if (fromRegistry === undefined || known.has(textOf(fromRegistry))) continue
      const message = `no registry is called ${textOf(fromRegistry)}, so its endpoints count as of no network`
      const field = `${place}.${name}.endpoints[${i}].fromRegistry`
      yield { code: 'IST0126', field, message, mend: `Use ${[...known].join(' or ')}.` }
    }
  }
}

/** Without a list of blocked ranges, whoever may write a policy lets the control plane fetch from addresses of its own network. */
function* checkJwks({ spec }: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const istiod = mesh.at(topic.carrier('istio-system', 'app', 'istiod')).filter(({ id }) => id.kind === 'Deployment')
  if (istiod.length === 0 || istiod.some(blocksRanges)) return
  for (const [i, rule] of itemsOf(spec['jwtRules']).entries()) {
    if (rule['jwksUri'] === undefined) continue
    const message = `keys are fetched from a URL, and Deployment ${nameOf(istiod[0] as WrittenObject)} blocks no address ranges`
    const mend = 'Set BLOCKED_CIDRS_IN_JWKS_URIS in the control plane.'
    yield { code: 'IST0175', field: `spec.jwtRules[${i}].jwksUri`, message, mend }
  }
}

function blocksRanges(deployment: WrittenObject): boolean {
  return itemsOf(dig(deployment.spec, 'template', 'spec', 'containers')).some((container) =>
    itemsOf(container['env']).some(({ name, value }) => name === 'BLOCKED_CIDRS_IN_JWKS_URIS' && textOf(value) !== ''),
  )
}

/** The release of the Gateway API since which a kind has the version that is read. */
const oldest: Readonly<Record<string, readonly [number, number]>> = {
  'grpcroutes.gateway.networking.k8s.io': [1, 1],
  'backendtlspolicies.gateway.networking.k8s.io': [1, 4],
  'tlsroutes.gateway.networking.k8s.io': [1, 5],
}

function* checkCrd(crd: WrittenObject): Iterable<Fault> {
  const minimum = oldest[crd.id.name]
  const written = crd.annotations['gateway.networking.k8s.io/bundle-version'] ?? ''
  const [, major = '', minor = ''] = /^v?(\d+)\.(\d+)/.exec(written) ?? []
  if (minimum === undefined || major === '') return
  if (Number(major) * 1000 + Number(minor) >= minimum[0] * 1000 + minimum[1]) return
  const field = 'metadata.annotations["gateway.networking.k8s.io/bundle-version"]'
  const message = `is ${written}; objects of this kind are read since v${minimum.join('.')}, older ones are ignored`
  yield { code: 'IST0176', field, message, mend: `Install Gateway API v${minimum.join('.')} or newer.` }
}

const webhooks = [injectors, 'ValidatingWebhookConfiguration.admissionregistration.k8s.io']

/** Checks of what a control plane brings. */
export const controlPlanes: readonly Check[] = [
  { name: 'external-control-plane', kinds: webhooks, run: checkUrls },
  { name: 'webhooks', kinds: [injectors], run: checkWebhooks },
  { name: 'mesh-networks', kinds: ['MeshNetworks', 'MeshNetworks.mesh.istio.io'], run: checkNetworks },
  { name: 'jwks-fetch', kinds: ['RequestAuthentication.security.istio.io'], run: checkJwks },
  { name: 'gateway-api-crd-version', kinds: ['CustomResourceDefinition.apiextensions.k8s.io'], run: checkCrd },
]

/** Labels of a namespace; an undeclared one has its name. */
export function namespaceLabels(name: string, mesh: MeshView): Readonly<Record<string, string>> {
  const namespace = mesh.one('Namespace', `default/${name}`)
  return { 'kubernetes.io/metadata.name': name, ...labelsOf(namespace?.labels) }
}
