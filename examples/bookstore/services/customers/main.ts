// customers: who they are, where they live, what they like.
import { bindAddress, testEndpoints } from '../platform/environment.ts'
import { flakyRoutes } from '../platform/flaky-routes.ts'
import { startHttpService } from '../platform/http-service.ts'
import { openCustomerStore } from './customer-store.ts'
import { customerRoutes } from './routes.ts'

const store = openCustomerStore()
const routes = [...customerRoutes(store), ...(testEndpoints() ? flakyRoutes() : [])]
await startHttpService({ name: 'customers', ...bindAddress(8080), routes, onClose: () => store.close() })
