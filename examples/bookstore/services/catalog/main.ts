// catalog: the publisher's books, and their electronic editions. CATALOG_VERSION is v1 (default) or v2 (with reviews).
import { bindAddress } from '../platform/environment.ts'
import { startHttpService } from '../platform/http-service.ts'
import { openCatalogStore } from './catalog-store.ts'
import { catalogRoutes } from './routes.ts'

const version = process.env['CATALOG_VERSION'] ?? 'v1'
await startHttpService({ name: 'catalog', ...bindAddress(8080), routes: catalogRoutes(openCatalogStore(), version) })
