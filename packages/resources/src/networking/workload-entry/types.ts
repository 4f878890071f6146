// Istio WorkloadEntry, as served by this mesh; also what stands in the `endpoints` of a ServiceEntry.

/** Where a workload is that this mesh did not start. */
export interface WorkloadEntrySpec {
  /** IP address, host name (resolution DNS), or `unix://` path. */
  readonly address?: string
  /** Port by name of the port of the Service or ServiceEntry. */
  readonly ports?: Readonly<Record<string, number>>
  readonly labels?: Readonly<Record<string, string>>
  readonly network?: string
  /** `region/zone/subzone` */
  readonly locality?: string
  readonly weight?: number
  readonly serviceAccount?: string
  /** Not written: the probe of its group says so. */
  readonly unready?: true
}
