// Each service keeps its state in a SQLite file of its own.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Opens `<DATA_DIR>/<service>.sqlite` (default directory: `data`) and makes its tables; several processes may share the file. */
export function openDatabase(service: string, schema: string): DatabaseSync {
  const directory = process.env['DATA_DIR'] ?? 'data'
  mkdirSync(directory, { recursive: true })
  const database = new DatabaseSync(join(directory, `${service}.sqlite`))
  database.exec('pragma busy_timeout = 3000; pragma journal_mode = wal; pragma synchronous = normal')
  database.exec(schema)
  return database
}

/** Does all of `work` or, if it throws, nothing of it. `work` must be synchronous. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('begin immediate')
  try {
    const result = work()
    database.exec('commit')
    return result
  } catch (error) {
    database.exec('rollback')
    throw error
  }
}
