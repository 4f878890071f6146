// The predicate says of every authority what the router's own search says.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { RouteConfigurationSchema } from '@weft/xds/es/envoy/config/route/v3/route'
import { compileRouteConfig } from '../compile/route-config.ts'
import { matchVirtualHost } from '../decide/virtual-host.ts'
import { evaluate } from '../match/interpret.ts'
import { plainHead, type Subject } from '../request-head.ts'
import { inVirtualHost } from './in-virtual-host.ts'

const domains = ['a.com', 'A.com:80', 'b.a.com', '*.a.com', '*.com', '*.a.com:80', 'a.*', 'b.a.*', '*', '[::1]']
const authorities = [
  'a.com',
  'A.COM',
  'a.com:80',
  'b.a.com',
  'c.b.a.com:80',
  'x.com',
  'a.b',
  'b.a.c:9',
  '[::1]:80',
  '.a.com',
  'a.',
  'y',
]

function subject(authority: string): Subject {
  return {
    head: plainHead({ method: 'GET', path: '/', authority }),
    connection: {
      localAddress: '127.0.0.2',
      localPort: 80,
      remoteAddress: '127.0.0.1',
      remotePort: 1,
      sni: undefined,
      transportProtocol: 'raw_buffer',
      applicationProtocols: [],
      tls: false,
      peerNames: [],
    },
    random: 0,
  }
}

test('an authority is in a virtual host exactly when the search for virtual hosts gives it that one', () => {
  const hosts = fc.shuffledSubarray(domains, { minLength: 1 })
  fc.assert(
    fc.property(hosts, fc.boolean(), fc.constantFrom(...authorities), (names, ignorePort, authority) => {
      const message = create(RouteConfigurationSchema, {
        name: 'r',
        virtualHosts: names.map((name) => ({ name, domains: [name] })),
        ignorePortInHostMatching: ignorePort,
      })
      const compiled = compileRouteConfig(toBinary(RouteConfigurationSchema, message), {})
      assert.ok(compiled.ok)
      const config = compiled.value
      const at = subject(authority)
      const chosen = matchVirtualHost(config, authority)
      // The question is asked as another request asks it, so that the present authority proves nothing.
      const seen = config.virtualHosts.filter((host) => evaluate(inVirtualHost({ host, config }, subject('z')), at))
      assert.deepEqual(seen, chosen === undefined ? [] : [chosen])
    }),
    { numRuns: 2000 },
  )
})
