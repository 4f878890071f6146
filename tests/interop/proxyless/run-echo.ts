// An echo server as an application: its address comes from the environment, as for every workload.
import { startEcho } from './echo-server.ts'

await startEcho(process.env['ECHO_NAME'] ?? '', process.env['HOST'] ?? '', Number(process.env['PORT']))
