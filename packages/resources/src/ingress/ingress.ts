// The kinds Ingress and IngressClass (networking.k8s.io/v1).
import { defineKind } from '../kind-definition.ts'
import {
  context,
  doc,
  exactlyOne,
  type Finding,
  list,
  object,
  openObject,
  portNumber,
  refused,
  text,
  word,
} from '../schema/schema.ts'
import { isIpAddress } from '../schema/kubernetes-formats.ts'
import type { IngressClassSpec, IngressPath, IngressSpec } from './types.ts'

const servicePort = object(
  { name: doc('Name of the port.', text('dns-label')), number: doc('Number of the port.', portNumber) },
  { check: exactlyOne(['name', 'number']) },
)

const backend = object(
  {
    service: doc(
      'A Service of the namespace.',
      object(
        { name: doc('Name of the Service.', text('dns-name')), port: doc('Port of the Service.', servicePort) },
        { required: ['name', 'port'] },
      ),
    ),
    resource: doc(
      'An object of another kind.',
      refused(
        'Name a `service`.',
        object(
          {
            apiGroup: doc('API group of the object.', text()),
            kind: doc('Kind of the object.', text('reference-kind')),
            name: doc('Name of the object.', text('object-name')),
          },
          { required: ['kind', 'name'] },
        ),
      ),
    ),
  },
  { check: exactlyOne(['service', 'resource']) },
)

const path = object(
  {
    path: doc('Path of the request; all unless written.', text('text-1024')),
    pathType: doc(
      'How paths are compared; ImplementationSpecific is Prefix here.',
      word(['Exact', 'Prefix', 'ImplementationSpecific']),
    ),
    backend: doc('Where the requests go.', backend),
  },
  { required: ['pathType', 'backend'], check: checkPath },
)

const host = { ...text('hostname'), 'x-check': checkHost }

const spec = object(
  {
    ingressClassName: doc('IngressClass that says who serves it; `weft`, or none.', text('dns-name')),
    defaultBackend: doc('Where requests go that no rule takes.', backend),
    tls: doc(
      'Hosts that are served with TLS.',
      list(
        object({
          hosts: doc('The hosts.', list(host)),
          secretName: doc('Secret with certificate and key.', text('object-name')),
        }),
      ),
    ),
    rules: doc(
      'Rules by host.',
      list(
        object({
          host: doc('Host of the requests, with wildcard; all unless written.', host),
          http: doc(
            'Paths of the host.',
            object(
              { paths: doc('The longest path that fits holds.', list(path, { min: 1 })) },
              { required: ['paths'] },
            ),
          ),
        }),
      ),
    ),
  },
  { check: checkSpec },
)

function* checkPath({ path: value, pathType }: IngressPath): Iterable<Finding> {
  if (value === undefined || value.startsWith('/')) return
  if (value === '' && pathType === 'ImplementationSpecific') return
  const message = `${JSON.stringify(value)} is not a path`
  yield { at: ['path'], code: 'bad-format', message, mend: 'Begin it with "/".' }
}

function* checkHost(value: string): Iterable<Finding> {
  if (!isIpAddress(value)) return
  yield { code: 'bad-format', message: `${value} is an address`, mend: 'Write a host name.' }
}

function* checkSpec(written: IngressSpec): Iterable<Finding> {
  if (written.defaultBackend !== undefined || (written.rules ?? []).length > 0) return
  yield { code: 'missing-field', message: 'has neither `rules` nor `defaultBackend`', mend: 'Add `rules`.' }
}

/** Kubernetes' Ingress. */
export const ingressKind = defineKind({
  kind: 'Ingress',
  versions: ['v1'],
  names: ['ingresses', 'ing'],
  description: 'Where requests go that enter from outside.',
  spec,
  withDefaults: (written) => written as IngressSpec,
})

/** Kubernetes' IngressClass. */
export const ingressClassKind = defineKind({
  kind: 'IngressClass',
  versions: ['v1'],
  scope: 'cluster',
  names: ['ingressclasses'],
  description: 'Names who serves Ingresses.',
  spec: object({
    controller: doc('Who serves it: `weft.dev/ingress-controller` is this mesh.', text('text-253')),
    parameters: context('Settings of one implementation.', openObject({})),
  }),
  withDefaults: (written) => written as IngressClassSpec,
})
