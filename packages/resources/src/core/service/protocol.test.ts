import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHttpPort, protocolOf } from './protocol.ts'

test('a port speaks what its appProtocol says, else what its name begins with, as in Istio', () => {
  const cases: readonly [string, string | undefined, string][] = [
    ['http', undefined, 'http'],
    ['http-web', undefined, 'http'],
    ['HTTP-web', undefined, 'http'],
    ['http2-x', undefined, 'http2'],
    ['grpc-web', undefined, 'grpc'],
    ['grpc-web-x', undefined, 'grpc'],
    ['grpc', undefined, 'grpc'],
    ['tcp-line', undefined, 'tcp'],
    ['mysql', undefined, 'tcp'],
    ['https', undefined, 'https'],
    ['httpx', undefined, 'undeclared'],
    ['web', undefined, 'undeclared'],
    ['', undefined, 'undeclared'],
    ['constructor', undefined, 'undeclared'],
    ['tcp', 'http', 'http'],
    ['web', 'kubernetes.io/h2c', 'http2'],
    ['http', 'example.com/own', 'undeclared'],
  ]
  for (const [name, appProtocol, expected] of cases) {
    const port = appProtocol === undefined ? { name } : { name, appProtocol }
    assert.equal(protocolOf(port), expected, `${name} ${appProtocol}`)
    assert.equal(isHttpPort(port), ['http', 'http2', 'grpc'].includes(expected))
  }
})
