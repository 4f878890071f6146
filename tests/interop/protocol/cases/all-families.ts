import type { Family } from '../protocol-case.ts'
import { connections } from './connections.ts'
import { corsAnswers } from './cors.ts'
import { early } from './early.ts'
import { framing } from './framing.ts'
import { grpcCalls } from './grpc.ts'
import { h2Answers } from './h2-answers.ts'
import { h2Frames } from './h2-frames.ts'
import { h2GivenUp } from './h2-given-up.ts'
import { h2Requests } from './h2-requests.ts'
import { h2Upstreams } from './h2-upstreams.ts'
import { heads } from './heads.ts'
import { hedges } from './hedges.ts'
import { hopByHop } from './hop-by-hop.ts'
import { hosts } from './hosts.ts'
import { internalRedirects } from './internal-redirects.ts'
import { limits } from './limits.ts'
import { messages } from './messages.ts'
import { paths } from './paths.ts'
import { tcpStreams } from './tcp.ts'
import { tlsHandshakes } from './tls.ts'
import { repeatedBodies } from './repeated-bodies.ts'
import { timers } from './timers.ts'
import { tunnelEnds } from './tunnel-ends.ts'
import { upgrades } from './upgrades.ts'
import { upstreamFaults } from './upstream-faults.ts'

/** Every family. */
export const allFamilies: readonly Family[] = [
  messages,
  framing,
  heads,
  hosts,
  paths,
  hopByHop,
  connections,
  early,
  upgrades,
  tunnelEnds,
  upstreamFaults,
  timers,
  limits,
  hedges,
  internalRedirects,
  repeatedBodies,
  corsAnswers,
  tcpStreams,
  h2Requests,
  h2Answers,
  h2Frames,
  h2Upstreams,
  h2GivenUp,
  grpcCalls,
  tlsHandshakes,
]
