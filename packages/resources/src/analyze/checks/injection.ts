// Which pods get a sidecar, and whether those that run have the one they would get.
import type { Check, Fault } from '../check.ts'
import { meshConfigOf, yamlIn } from '../mesh-config.ts'
import type { MeshView } from '../mesh-view.ts'
import { runningLabels, topic } from '../topics.ts'
import { dig, type Fields, itemsOf, textOf, type WrittenObject } from '../written-object.ts'
import { injectionWebhooks, namespaceLabels } from './control-planes.ts'
import { picks, selectorsOf } from './label-selectors.ts'

const injectLabel = 'istio-injection'
const revisionLabel = 'istio.io/rev'
const systemNamespaces = new Set([
  'kube-system',
  'kube-public',
  'kube-node-lease',
  'local-path-storage',
  'istio-system',
])

/** The settings of the injector of a revision, as Istio installs them. */
function injectorValues(revision: string, mesh: MeshView): Fields {
  const name = revision === '' ? 'istio-sidecar-injector' : `istio-sidecar-injector-${revision}`
  const map = mesh.one('ConfigMap', `istio-system/${name}`)
  return map === undefined ? {} : yamlIn(map, 'values')
}

function* checkNamespace({ id, labels }: WrittenObject, mesh: MeshView): Iterable<Fault> {
  if (systemNamespaces.has(id.name)) return
  const field = 'metadata.labels'
  const { [injectLabel]: inject, [revisionLabel]: revision, 'istio.io/dataplane-mode': mode } = labels
  const ambient = mode === 'ambient'
  if (inject !== undefined && revision !== undefined && inject !== 'disabled') {
    const message = `has both ${injectLabel} and ${revisionLabel}: the first wins, whatever revision was meant`
    yield { code: 'IST0123', field, message, mend: `Remove ${injectLabel} or ${revisionLabel}.` }
  } else if (ambient && (inject === 'enabled' || (revision !== undefined && inject !== 'disabled'))) {
    const message = 'asks for sidecars and for ambient mode at once; pods get a sidecar'
    yield { code: 'IST0123', field, message, mend: 'Keep one of the labels.' }
  } else if (inject === undefined && revision === undefined && !ambient) {
    const byDefault = dig(injectorValues('', mesh), 'sidecarInjectorWebhook', 'enableNamespacesByDefault') === true
    if (byDefault) {
      const message = 'has no label for injection, and is injected because that is the default here'
      yield { code: 'IST0148', field, message, mend: `Write ${injectLabel}: enabled or disabled, so that it is said.` }
    } else {
      const message = 'has no label for injection, so Pods in it get no sidecar'
      yield { code: 'IST0102', field, message, mend: `Write ${injectLabel}: enabled, or disabled if that is meant.` }
    }
  }
}

function* checkPod(pod: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const { spec, id, labels, annotations } = pod
  if (systemNamespaces.has(id.namespace) || spec['hostNetwork'] === true) return
  const own = labels['sidecar.istio.io/inject'] ?? annotations['sidecar.istio.io/inject']
  if (own === 'false' || !injects(namespaceLabels(id.namespace, mesh), mesh) || proxyOf(spec) !== undefined) return
  const message = 'runs without a proxy although its namespace is set for injection: it is outside the mesh'
  yield { code: 'IST0103', field: 'spec.containers', message, mend: 'Start the pod anew, or say why it needs none.' }
}

function injects(labels: Readonly<Record<string, string>>, mesh: MeshView): boolean {
  const inject = labels[injectLabel]
  if (inject !== undefined) return inject === 'enabled'
  if (labels[revisionLabel] !== undefined) return true
  if (labels['istio.io/dataplane-mode'] === 'ambient') return false
  return dig(injectorValues('', mesh), 'sidecarInjectorWebhook', 'enableNamespacesByDefault') === true
}

function proxyOf(podSpec: unknown): Fields | undefined {
  const containers = [...itemsOf(dig(podSpec, 'containers')), ...itemsOf(dig(podSpec, 'initContainers'))]
  return containers.find(({ name }) => name === 'istio-proxy')
}

/** One finding for a namespace, whatever the number of its pods. */
function* checkImages({ id, labels }: WrittenObject, mesh: MeshView): Iterable<Fault> {
  if (!injects(labels, mesh)) return
  const wanted = proxyImage(labels[injectLabel] === 'enabled' ? '' : (labels[revisionLabel] ?? ''), mesh)
  if (wanted === undefined) return
  const old = mesh.at(topic.inNamespace('Pod', id.name)).filter((pod) => {
    const image = textOf(proxyOf(pod.spec)?.['image'])
    const overridden = pod.annotations['sidecar.istio.io/proxyImage'] !== undefined
    return image !== '' && !overridden && !wanted.includes(image)
  })
  if (old.length === 0) return
  const shown = old.slice(0, 3).map((pod) => pod.id.name)
  const more = old.length > shown.length ? ` and ${old.length - shown.length} more` : ''
  const message = `pods ${shown.join(', ')}${more} run another proxy image than ${wanted[0]}, which injection gives now`
  yield { code: 'IST0158', field: 'metadata.name', message, mend: 'Start them anew.' }
}

/** The images a pod may run: that of the injector, and of the type the mesh asks for. */
function proxyImage(revision: string, mesh: MeshView): string[] | undefined {
  const global = dig(injectorValues(revision, mesh), 'global')
  const image = textOf(dig(global, 'proxy', 'image'))
  if (image === '') return undefined
  const full = image.includes('/') ? image : `${textOf(dig(global, 'hub'))}/${image}:${String(dig(global, 'tag'))}`
  const type = textOf(dig(meshConfigOf(mesh), 'defaultConfig', 'image', 'imageType'))
  return type === '' || type === 'default' ? [full] : [full, `${full}-${type}`]
}

/** `image: auto` is a placeholder that only injection fills in. */
function* checkAutoImage(object: WrittenObject, mesh: MeshView): Iterable<Fault> {
  const isPod = object.id.kind === 'Pod'
  const pod = isPod ? object.spec : dig(object.spec, 'template', 'spec')
  if (proxyOf(pod)?.['image'] !== 'auto') return
  const labels = isPod ? object.labels : (runningLabels(object) ?? {})
  const home = namespaceLabels(object.id.namespace, mesh)
  const injected = mesh
    .at(topic.kind('MutatingWebhookConfiguration.admissionregistration.k8s.io'))
    .flatMap(injectionWebhooks)
    .map(selectorsOf)
    .some((selectors) => picks(selectors.namespace, home) && picks(selectors.object, labels))
  if (injected) return
  const message = 'container istio-proxy has `image: auto`, and no webhook injects it: the image cannot be pulled'
  const mend = 'Label the pod `sidecar.istio.io/inject: "true"`, or its namespace for injection.'
  yield isPod
    ? { code: 'IST0147', field: 'spec.containers', message, mend }
    : { code: 'IST0146', field: 'spec.template.spec.containers', message, mend }
}

/** Checks of injection. */
export const injection: readonly Check[] = [
  { name: 'injection', kinds: ['Namespace'], run: checkNamespace },
  { name: 'injection', kinds: ['Pod'], run: checkPod },
  { name: 'injection-image', kinds: ['Namespace'], run: checkImages },
  { name: 'injection-image-auto', kinds: ['Pod', 'Deployment.apps'], run: checkAutoImage },
]
