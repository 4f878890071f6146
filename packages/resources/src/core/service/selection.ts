// Which workloads stand behind a Service, and on which of their ports.
import type { ServicePort } from './types.ts'

/** Whether `labels` carry every label of `selector`. An empty selector selects everything here. */
export function selectsLabels(
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value)
}

/** Whether a Service's own selector picks these labels: an empty one picks nothing (it has no endpoints). */
export function serviceSelects(
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean {
  return Object.keys(selector).length > 0 && selectsLabels(selector, labels)
}

/** The workload's port that a Service port leads to; undefined when the workload has no port of that name. */
export function targetPortOf(
  servicePort: Pick<ServicePort, 'targetPort'>,
  workloadPorts: readonly { readonly name: string; readonly port: number }[],
): number | undefined {
  const { targetPort } = servicePort
  if (typeof targetPort === 'number') return targetPort
  return workloadPorts.find((port) => port.name === targetPort)?.port
}
