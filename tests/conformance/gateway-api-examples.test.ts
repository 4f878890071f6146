// The Gateway API's own examples (v1.6.1) in force: with our controller as that of their classes, every Gateway is programmed whose
// certificates are there. WEFT_TEST_DATA names the directory of the examples; without it the tests are skipped.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { buildOffline, meshStatuses, type OfflineMesh } from '@weft/control'
import { compile } from '@weft/engine'
import { compileRegex } from '@weft/engine/regex'
import { ofKind } from '@weft/resources'
import { typeUrl } from '@weft/xds'

const root = process.env['WEFT_TEST_DATA'] ?? resolve(import.meta.dirname, '../../../shared/data')
const examples = join(root, 'gateway-api/examples')
const skip = existsSync(examples) ? false : `no test data in ${examples}`
const files = skip === false ? filesIn(examples) : []

interface Shown {
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[]
}

/** Addresses outside of this machine cannot be had: that is told, and the Gateway is not programmed. */
const elsewhere = ['standard/gateway-addresses.yaml']

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .sort()
}

/** One example with what it takes for granted: its classes are ours, and its Secrets, ConfigMaps and Services exist. */
function meshOf(name: string): OfflineMesh {
  const written = { name, text: readFileSync(join(examples, name), 'utf8') }
  const { objects } = buildOffline([written])
  const classes = new Set(ofKind(objects, 'GatewayAPIGateway').map(({ spec }) => spec.gatewayClassName))
  const known = new Set(ofKind(objects, 'GatewayClass').map(({ id }) => id.name))
  const text = written.text.replaceAll(/controllerName: .*/g, 'controllerName: weft.dev/gateway-controller')
  const added = [...classes].filter((one) => !known.has(one)).map(gatewayClass)
  const pem = '-----BEGIN CERTIFICATE-----\\nbm9uZQ==\\n-----END CERTIFICATE-----\\n'
  const key = '-----BEGIN PRIVATE KEY-----\\nbm9uZQ==\\n-----END PRIVATE KEY-----\\n'
  const owners = [...ofKind(objects, 'GatewayAPIGateway'), ...ofKind(objects, 'ListenerSet')]
  const secrets = owners.flatMap(({ id, spec }) =>
    spec.listeners.flatMap(({ tls }) =>
      (tls?.certificateRefs ?? []).map(
        (ref) =>
          `apiVersion: v1\nkind: Secret\nmetadata: { name: ${ref.name}, namespace: ${ref.namespace ?? id.namespace} }\ntype: kubernetes.io/tls\nstringData: { tls.crt: "${pem}", tls.key: "${key}" }\n`,
      ),
    ),
  )
  const authorities = ofKind(objects, 'GatewayAPIGateway').flatMap(({ id, spec }) =>
    [spec.tls?.frontend?.default, ...(spec.tls?.frontend?.perPort ?? []).map(({ tls }) => tls)].flatMap((one) =>
      (one?.validation?.caCertificateRefs ?? []).map(
        (ref) =>
          `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${ref.name}, namespace: ${ref.namespace ?? id.namespace} }\ndata: { ca.crt: "${pem}" }\n`,
      ),
    ),
  )
  const more = [...new Set([...added, ...secrets, ...authorities])].join('---\n')
  return buildOffline([{ name, text }, ...(more === '' ? [] : [{ name: 'more.yaml', text: more }])], {
    flavor: 'envoy',
  })
}

function gatewayClass(name: string): string {
  return `apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: ${name} }\nspec: { controllerName: weft.dev/gateway-controller }\n`
}

test('there are examples', { skip }, () => {
  assert.ok(files.length > 80, `${files.length} files`)
})

for (const name of files) {
  test(`${name} is programmed, and what it becomes compiles`, { skip }, () => {
    const mesh = meshOf(name)
    const errors = mesh.problems.filter(({ severity }) => severity === 'error')
    assert.deepEqual(errors, [])
    const statuses = meshStatuses(mesh.snapshot, { time: '2026-01-01T00:00:00Z' })
    for (const gateway of mesh.snapshot.config.objects.GatewayAPIGateway) {
      const status = statuses.get(gateway.key) as Shown | undefined
      const programmed = status?.conditions.find(({ type }) => type === 'Programmed')
      if (elsewhere.includes(name)) assert.equal(programmed?.reason, 'AddressNotUsable')
      else assert.equal(programmed?.status, 'True', `${gateway.key} ${JSON.stringify(status)}`)
    }
    for (const instance of mesh.instances) {
      const table = mesh.resourcesFor(`${instance.name}.${instance.namespace}`)
      for (const { name: resource, body } of table?.get(typeUrl.routeConfiguration).values() ?? []) {
        const compiled = compile.compileRouteConfig(body, { regex: compileRegex })
        assert.ok(compiled.ok, compiled.ok ? '' : `${resource}: ${compiled.error.field} ${compiled.error.message}`)
      }
    }
  })
}
