// The environment a workload's process gets in explicit mode, so that it needs to know nothing of the mesh.
import type { ServiceSpec } from '../core/service/types.ts'
import type { MeshObject } from '../mesh-object.ts'
import { isTcpPort, isUdpPort } from './plan-instances.ts'
import type { WorkloadInstance } from './workload-instance.ts'

/** Port of the outbound HTTP proxy listener of every sidecar. */
const outboundHttpPort = 15001

/**
 * Variables for the process of an instance: where to listen (`HOST`, `PORT`), the sidecar as HTTP proxy, and
 * Kubernetes-style `<SVC>_SERVICE_HOST` and `<SVC>_SERVICE_PORT` for TCP services and UDP ports, which sidecars serve
 * where a UDPRoute is for them (a Service of the own namespace wins over one of the same name elsewhere). The workload's own `env` is applied over these by the caller.
 */
export function appEnvironment(
  instance: WorkloadInstance,
  services: readonly MeshObject<ServiceSpec>[],
): Record<string, string> {
  const environment: Record<string, string> = { HOST: instance.appAddress }
  const [first] = instance.ports
  if (first !== undefined) environment['PORT'] = String(first.port)
  if (instance.proxy !== 'sidecar') return environment
  const proxy = `http://${instance.address}:${outboundHttpPort}`
  Object.assign(environment, {
    HTTP_PROXY: proxy,
    http_proxy: proxy,
    NO_PROXY: '127.0.0.1,localhost',
    no_proxy: '127.0.0.1,localhost',
    NODE_USE_ENV_PROXY: '1',
  })
  const own = (service: MeshObject): number => (service.id.namespace === instance.namespace ? 1 : 0)
  for (const service of [...services].sort((a, b) => own(a) - own(b))) {
    Object.assign(environment, serviceVariables(instance, service))
  }
  return environment
}

function serviceVariables(instance: WorkloadInstance, service: MeshObject<ServiceSpec>): Record<string, string> {
  const prefix = `${variableName(service.id.name)}_SERVICE`
  const variables: Record<string, string> = {}
  const { ports, datagramPorts } = service.spec
  for (const port of [...ports.filter(isTcpPort), ...datagramPorts.filter(isUdpPort)]) {
    const addresses = port.protocol === 'TCP' ? instance.outboundTcp : instance.outboundUdp
    const address = addresses?.[`${service.id.name}.${service.id.namespace}:${port.port}`]
    if (address === undefined) continue
    variables[`${prefix}_HOST`] = address
    variables[`${prefix}_PORT`] ??= String(port.port)
    if (port.name !== '') variables[`${prefix}_PORT_${variableName(port.name)}`] = String(port.port)
  }
  return variables
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_')
}
