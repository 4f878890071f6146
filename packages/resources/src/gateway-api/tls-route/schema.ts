// Schema of TLSRoute.
import { doc, type Finding, list, object, type Schema, text } from '../../schema/schema.ts'
import { isIpAddress } from '../../schema/kubernetes-formats.ts'
import { shown } from '../../schema/shaped.ts'
import { streamRouteFields } from '../tcp-route/schema.ts'

const names = 'Server names (SNI) that the route is about, with wildcards.'

/** Schema of `spec`. */
export const tlsRouteSchema: Schema = object(
  {
    hostnames: doc(names, list(text('hostname'), { min: 1, max: 1024, check: checkNames })),
    ...streamRouteFields(1),
  },
  { required: ['hostnames', 'rules'] },
)

/** Schema of `spec` in v1alpha2. */
export const oldTlsRouteSchema: Schema = object(
  { hostnames: doc(names, list(text('hostname'), { max: 1024 })), ...streamRouteFields(16) },
  { required: ['rules'] },
)

function* checkNames(hostnames: readonly string[]): Iterable<Finding> {
  for (const [index, each] of hostnames.entries()) {
    if (!isIpAddress(each)) continue
    const message = `${shown(each)} is an address, and TLS asks for names`
    yield { at: [index], code: 'bad-format', message, mend: 'Write the name that clients ask for.' }
  }
}
