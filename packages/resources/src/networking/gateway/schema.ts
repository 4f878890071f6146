// Schema of Istio's Gateway.
import { duplicates, type Finding, list, object, portNumber, type Schema, text, word } from '../../schema/schema.ts'
import { labels } from '../match-schema.ts'
import type { GatewayServer } from './types.ts'

const noTls = 'Use HTTP.'
const onlyHttp = 'Gateways serve HTTP for now.'

const port = object(
  {
    number: portNumber,
    name: text('dns-label'),
    protocol: word(['HTTP'], {
      HTTPS: noTls,
      TLS: noTls,
      GRPC: onlyHttp,
      'GRPC-WEB': onlyHttp,
      HTTP2: onlyHttp,
      HTTP_PROXY: onlyHttp,
      TCP: onlyHttp,
      MONGO: onlyHttp,
    }),
  },
  { required: ['number', 'name', 'protocol'], unsupported: { targetPort: 'Write the port to bind in `number`.' } },
)

const server = object(
  {
    name: text('not-empty'),
    port,
    hosts: list(text('gateway-host'), { min: 1, check: (hosts: readonly string[]) => duplicates(hosts, 'host') }),
  },
  {
    required: ['port', 'hosts'],
    unsupported: {
      tls: noTls,
      bind: "The gateway workload's `address` says where it binds; remove the field.",
      defaultEndpoint: 'Remove the field.',
    },
  },
)

/** Schema of `spec`. */
export const gatewaySchema: Schema = object(
  { selector: { ...labels, minProperties: 1 }, servers: list(server, { min: 1, check: checkServers }) },
  { required: ['selector', 'servers'] },
)

function* checkServers(servers: readonly GatewayServer[]): Iterable<Finding> {
  yield* duplicates(
    servers.map((each) => each.name),
    'name',
    ['name'],
  )
  const taken = new Map<string, number>()
  const portNames = new Map<string, number>()
  for (const [index, each] of servers.entries()) {
    const otherNumber = portNames.get(each.port.name)
    if (otherNumber !== undefined && otherNumber !== each.port.number) {
      const message = `repeats the port name ${JSON.stringify(each.port.name)} for another port`
      yield { at: [index, 'port', 'name'], code: 'duplicate', message, mend: 'Give each port a name of its own.' }
    }
    portNames.set(each.port.name, each.port.number)
    for (const [position, host] of each.hosts.entries()) {
      const key = `${each.port.number} ${host}`
      const first = taken.get(key)
      if (first !== undefined && first !== index) {
        const message = `${JSON.stringify(host)} on port ${each.port.number} is served by server ${first} already`
        const mend = 'Remove one of the two servers, or give it another port or host.'
        yield { at: [index, 'hosts', position], code: 'port-conflict', message, mend }
      }
      taken.set(key, first ?? index)
    }
  }
}
