// Schema of Istio's WorkloadGroup.
import {
  doc,
  exactlyOne,
  integer,
  list,
  mapOf,
  object,
  pending,
  portNumber,
  type Schema,
  text,
  word,
} from '../../schema/schema.ts'
import { checkSocketPorts, workloadFields } from '../match-schema.ts'

const noCommands = 'a command is run by nobody: the entries are ready as long as they are written'
const noAnnotations = 'nothing reads annotations of entries'
/** What a timer takes in milliseconds. */
const seconds = integer(0, 2_147_483)
const answers = integer(0, 2_147_483_647)

const probe = object(
  {
    initialDelaySeconds: doc('Pause before the first probe.', seconds),
    timeoutSeconds: doc('Time limit of a probe; 1 unless written.', seconds),
    periodSeconds: doc('Pause between probes; 10 unless written.', seconds),
    successThreshold: doc('Successes in a row that make it ready again; 1 unless written.', answers),
    failureThreshold: doc('Failures in a row that make it not ready; 3 unless written.', answers),
    httpGet: doc(
      'Probes with a request.',
      object(
        {
          path: doc('Path to ask for.', text('path')),
          port: doc('Port to ask.', portNumber),
          host: doc('Host to ask; the address of the entry unless written.', text('dns-name')),
          scheme: doc('Scheme to ask by.', word(['HTTP', 'HTTPS'])),
          httpHeaders: doc(
            'Headers to send.',
            list(object({ name: doc('Name.', text('plain-name')), value: doc('Value.', text('header-value')) })),
          ),
        },
        { required: ['port'] },
      ),
    ),
    tcpSocket: doc(
      'Probes by connecting.',
      object(
        {
          host: doc('Host to connect to; the address of the entry unless written.', text('dns-name')),
          port: doc('Port to connect to.', portNumber),
        },
        { required: ['port'] },
      ),
    ),
    exec: doc(
      'Probes by a command.',
      pending(
        noCommands,
        object({ command: doc('Command and its arguments.', list(text('not-empty'))) }, { required: ['command'] }),
      ),
    ),
    grpc: doc(
      'Probes by the health protocol of gRPC.',
      object(
        { port: doc('Port to ask.', portNumber), service: doc('Service to ask about.', text('short-text')) },
        { required: ['port'] },
      ),
    ),
  },
  { check: exactlyOne(['httpGet', 'tcpSocket', 'exec', 'grpc'], 0) },
)

const ownAddress = doc('Address.', pending('each entry has an address of its own', text('workload-address')))

/** Schema of `spec`. */
export const workloadGroupSchema: Schema = object(
  {
    metadata: doc(
      'What the entries of the group carry.',
      object({
        labels: doc('Labels.', mapOf(text('label-value'), 'label-key')),
        annotations: doc('Annotations.', pending(noAnnotations, mapOf(text(), 'label-key'))),
      }),
    ),
    template: doc(
      'What the entries of the group are: WorkloadEntries with the annotation istio.io/autoRegistrationGroup.',
      object({ ...workloadFields, address: ownAddress }, { check: checkSocketPorts }),
    ),
    probe: doc('How the control plane finds out whether entries are ready.', probe),
  },
  { required: ['template'] },
)
