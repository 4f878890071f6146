// Schema of session persistence, of routes and of XBackendTrafficPolicy.
import { byDefault, doc, type Finding, object, text, word } from '../schema/schema.ts'
import type { SessionPersistence } from './types.ts'

/** Keeps the requests of one session at one endpoint. */
export const sessionPersistence = doc(
  'Keeps the requests of one session at one endpoint.',
  object(
    {
      sessionName: doc('Name of the cookie or header.', text('text-128')),
      absoluteTimeout: doc('After which a session ends.', text('gateway-duration')),
      type: doc('What carries the session.', byDefault('Cookie', word(['Cookie', 'Header']))),
      cookieConfig: doc(
        'Settings of the cookie.',
        object({
          lifetimeType: doc(
            'Whether the cookie outlives the browser.',
            byDefault('Session', word(['Permanent', 'Session'])),
          ),
        }),
      ),
    },
    { check: checkSession },
  ),
)

function* checkSession(session: SessionPersistence): Iterable<Finding> {
  if (session.cookieConfig === undefined) return
  if (session.type !== 'Cookie') {
    const message = `does not go with type: ${session.type}`
    yield { at: ['cookieConfig'], code: 'conflicting-fields', message, mend: 'Remove it, or write type: Cookie.' }
  }
  if (session.cookieConfig.lifetimeType === 'Permanent' && session.absoluteTimeout === undefined) {
    const message = 'has no `absoluteTimeout`, which a permanent cookie needs'
    yield { code: 'missing-field', message, mend: 'Add `absoluteTimeout`.' }
  }
}
